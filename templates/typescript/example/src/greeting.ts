// Makes the greeting. Does not depend on components.

/** A greeting for somebody. */
export function greeting(name: string): string {
  return `Hello, ${name}!`;
}
