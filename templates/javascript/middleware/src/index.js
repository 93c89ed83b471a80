// Answers requests for `/hello` with a greeting, and passes on all other requests.

import { handle as pass } from 'wasi:http/incoming-handler@{{wasi}}';
import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@{{wasi}}';

import { greeting } from './greeting.js';

export const incomingHandler = {
  handle(request, out) {
    if (request.pathWithQuery() === '/hello') {
      answer(out, `${greeting('world')}\n`);
    } else {
      pass(request, out);
    }
  },
};

function answer(out, text) {
  const response = new OutgoingResponse(new Fields());
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  const stream = body.write();
  stream.blockingWriteAndFlush(new TextEncoder().encode(text));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}
