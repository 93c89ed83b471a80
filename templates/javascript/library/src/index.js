// Implements `example:{{name}}/greeter`, see `wit/world.wit`.

import { greeting } from './greeting.js';

export const greeter = {
  greet(name) {
    return greeting(name);
  },
};
