// Greets whoever is named on the command line.

import { getArguments } from 'wasi:cli/environment@{{wasi}}';

import { greeting } from './greeting.ts';

export const run = {
  run(): void {
    const [, name = 'world'] = getArguments();
    console.log(greeting(name));
  },
};
