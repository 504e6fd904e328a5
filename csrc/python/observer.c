/* Whom a session tells of each call, and of its requests, answers and failures hop
 * by hop: apikit._events has the objects; without one nothing is done here. */
#include "python/call.h"

#include "python/errors.h"
#include "python/response.h"

/* Add the headers that the observer gave to this hop, and let REQUEST, which it
 * may have kept, show them too: 0 or -1. */
static int
add_headers(struct ak_call *call, PyObject *request, PyObject *added)
{
    PyObject *own = ak_call_headers(call); /* new */
    call->headers_of_hop = ak_prepare_call("merge_headers", Py_BuildValue("(NO)", own, added));
    PyObject *sent = call->headers_of_hop == NULL ? NULL : ak_call_prepared_request(call); /* new */
    PyObject *headers = sent == NULL ? NULL : PyObject_GetAttrString(sent, "headers");     /* new */
    int result = headers == NULL ? -1 : PyObject_SetAttrString(request, "headers", headers);
    Py_XDECREF(sent);
    Py_XDECREF(headers);
    return result;
}

int
ak_call_announce(struct ak_call *call)
{
    Py_CLEAR(call->announced);
    Py_CLEAR(call->headers_of_hop);
    Py_XSETREF(call->observer, call->watch != NULL
                                   ? Py_NewRef(call->watch)
                                   : ak_session_setting(call->session, &call->session->observer));
    if (call->observer == Py_None) {
        return 0;
    }
    PyObject *request = ak_call_prepared_request(call); /* new */
    if (request == NULL) {
        return -1;
    }
    PyObject *added = PyObject_CallMethod(call->observer, "announce", "O", request); /* new */
    int result = added == NULL ? -1 : 0;
    if (result == 0 && added != Py_None) {
        result = add_headers(call, request, added);
    }
    Py_XDECREF(added);
    if (result == 0) {
        call->announced = request;
    } else {
        Py_DECREF(request);
    }
    return result;
}

/* Tell of the exception that is set, which stays unless the observer raises.
 * REQUEST may be NULL. */
static void
report_failure(PyObject *observer, const char *method, PyObject *request)
{
    PyObject *failure = ak_take_exception(); /* new */
    PyObject *done = PyObject_CallMethod(observer, method, request == NULL ? "O" : "OO", failure,
                                         request); /* new */
    if (done == NULL) {
        Py_DECREF(failure);
        return;
    }
    Py_DECREF(done);
    ak_raise_again(failure);
}

/* Tell of RESPONSE (stolen): RESPONSE, or NULL if the observer raises. */
static PyObject *
report_answer(PyObject *observer, const char *method, PyObject *response)
{
    PyObject *done = PyObject_CallMethod(observer, method, "(O)", response); /* new */
    if (done == NULL) {
        Py_CLEAR(response);
    }
    Py_XDECREF(done);
    return response;
}

PyObject *
ak_call_report(struct ak_call *call, PyObject *response)
{
    if (call->observer == Py_None) {
        return response;
    }
    if (response == NULL) {
        report_failure(call->observer, "fail", call->announced);
        return NULL;
    }
    if (PyObject_SetAttrString(response, "request", call->announced) < 0) {
        Py_DECREF(response);
        return NULL;
    }
    return report_answer(call->observer, "answer", response);
}

int
ak_begin_watch(SessionObject *session, PyObject **watch)
{
    PyObject *observer = ak_session_setting(session, &session->observer); /* new */
    *watch = observer == Py_None ? NULL : PyObject_CallMethod(observer, "begin_watch", NULL);
    int result = *watch == NULL && observer != Py_None ? -1 : 0;
    Py_DECREF(observer);
    return result;
}

PyObject *
ak_end_watch(PyObject *watch, PyObject *response)
{
    if (response == NULL) {
        report_failure(watch, "end_in_failure", NULL);
        return NULL;
    }
    return report_answer(watch, "end", response);
}
