// Answers requests for `/hello` with a greeting, and passes on all other requests.

#include <span>

#include "greeting.hpp"
#include "middleware_cpp.h"

namespace http = wasi::http::types;

static void answer(http::ResponseOutparam &&out, std::string_view text) {
    http::OutgoingResponse response{http::Fields{}};
    auto body = response.Body().value();
    http::ResponseOutparam::Set(std::move(out), std::move(response));
    {
        const auto stream = body.Write().value();
        const std::span bytes(reinterpret_cast<const uint8_t *>(text.data()), text.size());
        // A client that has disconnected is not an error here.
        (void)stream.BlockingWriteAndFlush(bytes);
    }
    (void)http::OutgoingBody::Finish(std::move(body), std::nullopt);
}

void exports::wasi::http::incoming_handler::Handle(IncomingRequest &&request,
                                                   ResponseOutparam &&out) {
    const auto path = request.PathWithQuery();
    if (path && path->get_view() == "/hello") {
        answer(std::move(out), greeting("world") + "\n");
    } else {
        ::wasi::http::incoming_handler::Handle(std::move(request), std::move(out));
    }
}
