/* A request as a Python object: for hooks, auth= and Response.request. */
#include "python/call.h"

#include "python/errors.h"
#include "python/headers.h"
#include "python/response.h"

PyObject *
ak_prepared_from_head(struct module_state *state, PyObject *method, PyObject *url,
                      struct ak_str head, enum ak_host_source host_source, PyObject *body)
{
    if (ak_str_ends_with(head, AK_STR("\r\n\r\n"))) {
        head.len -= 2; /* the empty line is no field */
    }
    PyObject *headers = ak_headers_from_head(state, head); /* new */
    if (headers == NULL) {
        return NULL;
    }
    if (host_source == AK_HOST_OF_URL &&
        PyObject_DelItem(headers, state->names[AK_NAME_HOST]) < 0) {
        Py_DECREF(headers);
        return NULL;
    }
    PyObject *class = ak_state_get(state, &state->prepared_request_class); /* new */
    PyObject *request = PyObject_CallFunction(class, "OONO", method, url, headers,
                                              body == NULL ? Py_None : body); /* steals headers */
    Py_DECREF(class);
    return request;
}

PyObject *
ak_call_prepared_request(struct ak_call *call)
{
    if (call->announced != NULL) {
        return Py_NewRef(call->announced);
    }
    PyObject *url =
        PyUnicode_DecodeASCII(call->url.text.data, (Py_ssize_t)call->url.text.len, NULL);
    PyObject *request = NULL;
    if (url != NULL && ak_call_write_head(call) == 0) {
        request = ak_prepared_from_head(call->state, call->method, url, ak_buf_str(&call->head),
                                        call->host_source, ak_call_shown_body(call));
    }
    Py_XDECREF(url);
    return request;
}

int
ak_call_raise(struct ak_call *call, const struct ak_err *err)
{
    PyObject *request = ak_call_prepared_request(call); /* new */
    if (request != NULL) {
        ak_raise(err, request, NULL);
        Py_DECREF(request);
    }
    return -1;
}
