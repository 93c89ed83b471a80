// Makes a component: componentize.js BUNDLE WIT WORLD OUTPUT [FEATURE-TO-LEAVE-OUT…]

import { writeFile } from 'node:fs/promises';
import { argv, exit, stderr } from 'node:process';

import { componentize } from '@bytecodealliance/componentize-js';

const [sourcePath, witPath, worldName, output, ...disableFeatures] = argv.slice(2);

try {
  const { component } = await componentize({ sourcePath, witPath, worldName, disableFeatures });
  await writeFile(output, component);
} catch (error) {
  stderr.write(`${error?.message ?? error}\n`);
  exit(1);
}
