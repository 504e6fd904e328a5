/* apikit._core: multi-phase initialisation (PEP 489) and the module's state.
 * This file knows which parts exist, and nothing of what they do. */
#include "python/state.h"

static int
exec_module(PyObject *module)
{
    int (*const parts[])(PyObject *) = {
        ak_add_metadata,  ak_add_metadata_body, ak_add_kept_answer, ak_add_metadata_call,
        ak_add_routes,    ak_add_backend_error, ak_add_raisers,     ak_add_headers,
        ak_add_cookies,   ak_add_response,      ak_add_session,     ak_add_urls,
        ak_add_transport, ak_add_renewal,       ak_add_register,    ak_add_versions,
    };
    ak_state_of_module(module)->module = module;
    if (ak_intern_names(ak_state_of_module(module)->names) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i](module) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
traverse_module(PyObject *module, visitproc visit, void *arg)
{
    struct module_state *state = ak_state_of_module(module);
    for (size_t i = 0; i < AK_NAME_COUNT; i++) {
        Py_VISIT(state->names[i]);
    }
    Py_VISIT(state->backend_error_type);
    Py_VISIT(state->kept_answer_type);
    Py_VISIT(state->metadata_call_type);
    Py_VISIT(state->headers_type);
    Py_VISIT(state->cookies_type);
    Py_VISIT(state->response_type);
    Py_VISIT(state->session_type);
    Py_VISIT(state->headers_class);
    Py_VISIT(state->cookies_class);
    Py_VISIT(state->response_class);
    Py_VISIT(state->prepared_request_class);
    Py_VISIT(state->transport);
    return 0;
}

static int
clear_module(PyObject *module)
{
    struct module_state *state = ak_state_of_module(module);
    for (size_t i = 0; i < AK_NAME_COUNT; i++) {
        Py_CLEAR(state->names[i]);
    }
    Py_CLEAR(state->backend_error_type);
    Py_CLEAR(state->kept_answer_type);
    Py_CLEAR(state->metadata_call_type);
    Py_CLEAR(state->headers_type);
    Py_CLEAR(state->cookies_type);
    Py_CLEAR(state->response_type);
    Py_CLEAR(state->session_type);
    Py_CLEAR(state->headers_class);
    Py_CLEAR(state->cookies_class);
    Py_CLEAR(state->response_class);
    Py_CLEAR(state->prepared_request_class);
    Py_CLEAR(state->transport);
    return 0;
}

static void
free_module(void *module)
{
    clear_module((PyObject *)module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, exec_module},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

struct PyModuleDef ak_module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "apikit._core",
    .m_doc = "The C half of apikit; use the names of the package apikit.",
    .m_size = sizeof(struct module_state),
    .m_slots = module_slots,
    .m_traverse = traverse_module,
    .m_clear = clear_module,
    .m_free = free_module,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&ak_module_def);
}
