// Package export_wasi_http_incoming_handler answers every request with a greeting.
package export_wasi_http_incoming_handler

import (
	"example.com/{{name}}/greeting"
	. "example.com/{{name}}/wasi_http_types"

	. "go.bytecodealliance.org/pkg/wit/types"
)

func Handle(_ *IncomingRequest, out *ResponseOutparam) {
	answer(out, greeting.For("world")+"\n")
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
