/* Which libcurl this was compiled for, which one runs, and what either brings. */
#include "net/coding.h"
#include "net/global.h"
#include "python/state.h"

PyDoc_STRVAR(versions_doc,
             "versions($module, /)\n--\n\n"
             "What libcurl is: compiled, running, tls; and which codings are decoded.");

static PyObject *
versions(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct ak_curl_versions curl = ak_net_curl_versions();
    return Py_BuildValue("{ssssssss}", "compiled", curl.compiled, "running", curl.running, "tls",
                         curl.tls, "codings", ak_coding_accepted());
}

static PyMethodDef functions[] = {
    {"versions", versions, METH_NOARGS, versions_doc},
    {NULL, NULL, 0, NULL},
};

int
ak_add_versions(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
