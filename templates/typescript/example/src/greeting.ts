// What is said. Knows nothing of components.

/** A greeting for somebody. */
export function greeting(name: string): string {
  return `Hello, ${name}!`;
}
