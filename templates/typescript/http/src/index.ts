// Answers every request with a greeting.

import {
  Fields,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
  type IncomingRequest,
} from 'wasi:http/types@{{wasi}}';

import { greeting } from './greeting.ts';

export const incomingHandler = {
  handle(_request: IncomingRequest, out: ResponseOutparam): void {
    answer(out, `${greeting('world')}\n`);
  },
};

function answer(out: ResponseOutparam, text: string): void {
  const response = new OutgoingResponse(new Fields());
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  const stream = body.write();
  stream.blockingWriteAndFlush(new TextEncoder().encode(text));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}
