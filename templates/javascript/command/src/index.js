// Greets whoever is named on the command line.

import { getArguments } from 'wasi:cli/environment@{{wasi}}';

import { greeting } from './greeting.js';

export const run = {
  run() {
    const [, name = 'world'] = getArguments();
    console.log(greeting(name));
  },
};
