// The part of WASI that is used here.

declare module 'wasi:http/types@{{wasi}}' {
  export class Fields {}

  export class IncomingRequest {
    pathWithQuery(): string | undefined;
  }

  export class OutputStream {
    blockingWriteAndFlush(contents: Uint8Array): void;
    [Symbol.dispose](): void;
  }

  export class OutgoingBody {
    write(): OutputStream;
    static finish(body: OutgoingBody, trailers: Fields | undefined): void;
  }

  export class OutgoingResponse {
    constructor(headers: Fields);
    body(): OutgoingBody;
  }

  export class ResponseOutparam {
    static set(out: ResponseOutparam, response: { tag: 'ok'; val: OutgoingResponse }): void;
  }
}

declare module 'wasi:http/incoming-handler@{{wasi}}' {
  import type { IncomingRequest, ResponseOutparam } from 'wasi:http/types@{{wasi}}';

  export function handle(request: IncomingRequest, out: ResponseOutparam): void;
}
