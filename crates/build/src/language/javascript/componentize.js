// Makes a component: componentize.js BUNDLE WIT WORLD OUTPUT [FEATURE-TO-LEAVE-OUT…]

import { writeFile } from 'node:fs/promises';
import { argv, exit, stderr } from 'node:process';

import { componentize } from '@bytecodealliance/componentize-js';

import { splicer } from './node_modules/@bytecodealliance/componentize-js/lib/spidermonkey-embedding-splicer.js';

// What the engine and the bindings of componentize-js 0.23 get wrong between them, mended by handing
// over the same bits: a 64-bit integer has to go in as an unsigned number and comes out as one, a
// 32-bit integer has to go in as a signed one, and a text may begin with a byte order mark.
function mend(bindings) {
  return bindings
    .replaceAll('BigInt.asIntN(64, converted)', 'BigInt.asUintN(64, converted)')
    .replace('return val >>> 0;', 'return val | 0;')
    .replace('new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })")
    .replace('] = $bindings;', '] = $bindings.map($signed);')
    .replace(/^(async )?function export_[^(]*\((.+)\) \{$/gm, '$&\n  [$2] = [$2].map($toSigned);')
    .concat(`
function $toSigned(value) {
  return typeof value === 'bigint' ? BigInt.asIntN(64, value) : value;
}
function $toUnsigned(value) {
  return typeof value === 'bigint' ? BigInt.asUintN(64, value) : value;
}
function $signed(binding) {
  if (typeof binding !== 'function') return binding;
  return (...args) => $toSigned(binding(...args.map($toUnsigned)));
}
`);
}

const splice = splicer.spliceBindings;
splicer.spliceBindings = (...args) => {
  const spliced = splice(...args);
  return { ...spliced, jsBindings: mend(spliced.jsBindings) };
};

const [sourcePath, witPath, worldName, output, ...disableFeatures] = argv.slice(2);

try {
  const { component } = await componentize({ sourcePath, witPath, worldName, disableFeatures });
  await writeFile(output, component);
} catch (error) {
  stderr.write(`${error?.message ?? error}\n`);
  exit(1);
}
