// Makes the greeting. Does not depend on components.

/** A greeting for somebody. */
export function greeting(name) {
  return `Hello, ${name}!`;
}
