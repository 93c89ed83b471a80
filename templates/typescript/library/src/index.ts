// Implements `example:{{name}}/greeter`, see `wit/world.wit`.

import { greeting } from './greeting.ts';

export const greeter = {
  greet(name: string): string {
    return greeting(name);
  },
};
