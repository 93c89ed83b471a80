// Makes a component: componentize.js BUNDLE ENTRY WIT WORLD OUTPUT [FEATURE-TO-LEAVE-OUT…]

import { readFile, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { argv, exit, stderr } from 'node:process';

import { componentize } from '@bytecodealliance/componentize-js';

import { splicer } from '../node_modules/@bytecodealliance/componentize-js/lib/spidermonkey-embedding-splicer.js';
import { mend } from './bindings.js';
import { places } from './places.js';

const [sourcePath, sourceName, witPath, worldName, output, ...disableFeatures] = argv.slice(2);
const map = JSON.parse(await readFile(`${sourcePath}.map`, 'utf8'));
map.sources = map.sources.map((source) => relative('', resolve(dirname(sourcePath), source)));

const { spliceBindings, stubWasi } = splicer;
splicer.spliceBindings = (...args) => {
  const spliced = spliceBindings(...args);
  return { ...spliced, jsBindings: mend(spliced.jsBindings, map) };
};

// The library for keys draws random numbers by preview 1, whatever the features: that import is
// always replaced by a trap, and is not if it is called by another name meanwhile.
splicer.stubWasi = (module, features, ...args) => {
  if (!features.includes('random')) return stubWasi(module, features, ...args);
  const renamed = rename(module, 'random_get', 'random-get');
  return rename(stubWasi(renamed, features, ...args), 'random-get', 'random_get');
};

/** A module whose import of preview 1 is called by another name of the same length. */
function rename(module, from, to) {
  const bytes = Buffer.from(module);
  const name = (name) => Buffer.from(`\x16wasi_snapshot_preview1${String.fromCharCode(name.length)}${name}`);
  const at = bytes.indexOf(name(from));
  if (at >= 0) name(to).copy(bytes, at);
  return bytes;
}

try {
  const { component } = await componentize({
    ...{ sourcePath, sourceName, witPath, worldName, disableFeatures },
  });
  await writeFile(output, component);
} catch (error) {
  const said = places(map)(String(error?.message ?? error));
  stderr.write(`${said}\n`);
  exit(1);
}
