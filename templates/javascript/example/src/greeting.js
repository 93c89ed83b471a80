// What is said. Knows nothing of components.

/** A greeting for somebody. */
export function greeting(name) {
  return `Hello, ${name}!`;
}
