"""Answers requests for `/hello` with a greeting, and passes on all other requests."""

from componentize_py_types import Ok
from greeting import greeting
from wit_world import exports
from wit_world.imports import incoming_handler as following
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        if request.path_with_query() == "/hello":
            answer(response_out, greeting("world") + "\n")
        else:
            following.handle(request, response_out)


def answer(out: ResponseOutparam, text: str) -> None:
    response = OutgoingResponse(Fields())
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    with body.write() as stream:
        stream.blocking_write_and_flush(text.encode())
    OutgoingBody.finish(body, None)
