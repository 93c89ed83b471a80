// Package export_wasi_http_incoming_handler answers requests for `/hello` with a greeting, and passes
// on all other requests.
package export_wasi_http_incoming_handler

import (
	"example.com/{{name}}/greeting"
	following "example.com/{{name}}/wasi_http_incoming_handler"
	. "example.com/{{name}}/wasi_http_types"

	. "go.bytecodealliance.org/pkg/wit/types"
)

func Handle(request *IncomingRequest, out *ResponseOutparam) {
	if path := request.PathWithQuery(); path.IsSome() && path.Some() == "/hello" {
		answer(out, greeting.For("world")+"\n")
	} else {
		following.Handle(request, out)
	}
}

func answer(out *ResponseOutparam, text string) {
	response := MakeOutgoingResponse(MakeFields())
	body := response.Body().Ok()
	ResponseOutparamSet(out, Ok[*OutgoingResponse, ErrorCode](response))
	stream := body.Write().Ok()
	// A client that has disconnected is not an error here.
	stream.BlockingWriteAndFlush([]byte(text))
	stream.Drop()
	OutgoingBodyFinish(body, None[*Fields]())
}
