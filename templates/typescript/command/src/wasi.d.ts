// The part of WASI that is used here.

declare module 'wasi:cli/environment@{{wasi}}' {
  export function getArguments(): string[];
}
