// Answers every request with a greeting.

import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@{{wasi}}';

import { greeting } from './greeting.js';

export const incomingHandler = {
  handle(_request, out) {
    answer(out, `${greeting('world')}\n`);
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
