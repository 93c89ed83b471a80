// Stands for `fetch` in a world without the interface that it is built on.
export function fetch() {
  return Promise.reject(new TypeError('fetch() needs `import wasi:http/outgoing-handler` in the world'));
}
