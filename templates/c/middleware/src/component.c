// Answers requests for `/hello` with a greeting, and passes on all other requests.

#include <stdlib.h>
#include <string.h>

#include "greeting.h"
#include "middleware.h"

static void write_text(wasi_io_streams_borrow_output_stream_t stream, const char *text,
                       size_t length) {
    middleware_list_u8_t bytes = {(uint8_t *)text, length};
    // A client that has disconnected is not an error here.
    wasi_io_streams_stream_error_t gone;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(stream, &bytes, &gone)) {
        wasi_io_streams_stream_error_free(&gone);
    }
}

// Answers with a greeting, on a line of its own.
static void answer(exports_wasi_http_incoming_handler_own_response_outparam_t out) {
    wasi_http_types_own_outgoing_response_t response =
        wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
    wasi_http_types_own_outgoing_body_t body;
    if (!wasi_http_types_method_outgoing_response_body(
            wasi_http_types_borrow_outgoing_response(response), &body)) {
        abort();
    }
    wasi_http_types_result_own_outgoing_response_error_code_t ok = {.val.ok = response};
    wasi_http_types_static_response_outparam_set(out, &ok);
    wasi_http_types_own_output_stream_t stream;
    if (!wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body),
                                                    &stream)) {
        abort();
    }
    size_t length;
    char *text = greeting("world", strlen("world"), &length);
    write_text(wasi_io_streams_borrow_output_stream(stream), text, length);
    write_text(wasi_io_streams_borrow_output_stream(stream), "\n", 1);
    free(text);
    wasi_io_streams_output_stream_drop_own(stream);
    wasi_http_types_error_code_t error;
    if (!wasi_http_types_static_outgoing_body_finish(body, NULL, &error)) {
        wasi_http_types_error_code_free(&error);
    }
}

static bool is_for_hello(wasi_http_types_borrow_incoming_request_t request) {
    static const char hello[] = "/hello";
    middleware_string_t path;
    if (!wasi_http_types_method_incoming_request_path_with_query(request, &path)) {
        return false;
    }
    bool is = path.len == sizeof hello - 1 && memcmp(path.ptr, hello, path.len) == 0;
    middleware_string_free(&path);
    return is;
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
    if (!is_for_hello(wasi_http_types_borrow_incoming_request(request))) {
        wasi_http_incoming_handler_handle(request, out);
        return;
    }
    wasi_http_types_incoming_request_drop_own(request);
    answer(out);
}
