/* What every file of the binding shares: the module's state, and how each type
 * or group of functions adds itself to the module.  One type per file. */
#ifndef AK_PYTHON_STATE_H
#define AK_PYTHON_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/critical.h"
#include "python/names.h"

/* Owned by the module; every PyObject but the module itself is a strong reference,
 * or NULL until its part of the module has been added.  What can change after that,
 * the registered classes and the transport, is read by ak_state_get. */
struct module_state {
    PyObject *module; /* borrowed: it owns this */
    PyObject *names[AK_NAME_COUNT];
    PyTypeObject *backend_error_type;
    PyTypeObject *kept_answer_type, *metadata_call_type;
    PyTypeObject *headers_type, *cookies_type, *response_type, *session_type;
    /* The Python classes that register() named; NULL until then. */
    PyObject *headers_class, *cookies_class, *response_class, *prepared_request_class;
    PyObject *transport; /* of the sessions without one of their own, or NULL */
};

extern struct PyModuleDef ak_module_def;

static inline struct module_state *
ak_state_of_module(PyObject *module)
{
    return (struct module_state *)PyModule_GetState(module);
}

/* The state of the module that defines TYPE or one of its bases; NULL with an
 * exception if none does. */
static inline struct module_state *
ak_state_of_type(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &ak_module_def); /* borrowed */
    return module == NULL ? NULL : ak_state_of_module(module);
}

/* The object in SLOT, a field of STATE: new, or NULL where there is none. */
static inline PyObject *
ak_state_get(struct module_state *state, PyObject *const *slot)
{
    return ak_slot_get(state->module, slot);
}

/* Each adds its part to MODULE: 0, or -1 with an exception set. */
int ak_add_metadata(PyObject *module);      /* check_metadata */
int ak_add_metadata_body(PyObject *module); /* dump_metadata */
int ak_add_routes(PyObject *module);        /* check_route, expand_routes */
int ak_add_kept_answer(PyObject *module);   /* KeptAnswer */
int ak_add_metadata_call(PyObject *module); /* MetadataCall; needs KeptAnswer */
int ak_add_backend_error(PyObject *module); /* BackendError */
int ak_add_raisers(PyObject *module);       /* raise_ise, raise_from_response; needs BackendError */
int ak_add_headers(PyObject *module);       /* Headers */
int ak_add_cookies(PyObject *module);       /* CookieJar */
int ak_add_response(PyObject *module);      /* Response */
int ak_add_session(PyObject *module);       /* Session */
int ak_add_transport(PyObject *module);     /* set_transport */
int ak_add_renewal(PyObject *module);       /* who_answered */
int ak_add_urls(PyObject *module);          /* normalize_url and others */
int ak_add_versions(PyObject *module);      /* versions */
int ak_add_register(PyObject *module);      /* register; needs Headers and CookieJar */

#endif
