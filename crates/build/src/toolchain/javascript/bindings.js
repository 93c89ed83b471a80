// Mends the bindings that componentize-js 0.23 writes. They are one script, which runs before the
// user's module and has functions `export_…` for all that the component exports.

import { places } from './places.js';

/** The bindings as they are to be; `map` is the source map of the user's module. */
export function mend(bindings, map) {
  const mended = [numbers, resources].reduce((text, by) => by(text), bindings);
  if (/repTable\.delete\(handle|localRep\d/.test(mended)) {
    throw new Error('componentize-js writes other bindings than Keyway knows');
  }
  return errors(mended, map);
}

// By these a 64-bit integer goes in as an unsigned number and comes out as one, and a 32-bit integer
// goes in as a signed one. A text may begin with a byte order mark.
function numbers(text) {
  return text
    .replaceAll('BigInt.asIntN(64, converted)', 'BigInt.asUintN(64, converted)')
    .replace('return val >>> 0;', 'return val | 0;')
    .replace('new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })")
    .replace('] = $bindings;', '] = $bindings.map($signed);')
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

// Objects of the user's classes. `repTable` has each that somebody else holds, by a number that the
// host keeps for it. One that comes back for good is to leave the table by that number, where the
// bindings take it out by its handle, which may be the number of another one. Its handle cannot be
// dropped, since that would call the component while it runs: it is kept for the next object.
function resources(text) {
  return text
    .replace(
      /repTable\.get\((\$resource_[\w$]*?rep\$\w+)\((handle\d+)\)\)\.rep;\s*repTable\.delete\(\2\);\s*delete (rsc\d+)\[symbolRscHandle\];\s*finalizationRegistry_\S+\.unregister\(\3\);/g,
      '$taken($1, $2);',
    )
    .replace(
      /(let handle\d+ = )(\w+)\[symbolRscHandle\];\s*if \((handle\d+)\s*=== undefined\) \{\s*var localRep\d+\s*= repCnt\+\+;\s*repTable\.set\(.*\);\s*\3 = (\$resource_[\w$]*?)new\$(\w+)\(localRep\d+\);\s*.*\s*finalizationRegistry_\S+\.register\(.*\);\s*\}/g,
      '$1$given($2, $4rep$$$5, $4new$$$5);',
    )
    .replace(
      /(async function export_\S+dtor\(rep\) \{)[^}]*?\n\}/g,
      '$1\n  $dropped(rep);\n}',
    )
    .concat(`
const $free = new Map();
function $taken(rep, handle) {
  const number = rep(handle);
  const { rep: object } = repTable.get(number);
  repTable.delete(number);
  if (!$free.has(rep)) $free.set(rep, []);
  $free.get(rep).push([number, handle]);
  return object;
}
function $given(object, rep, make) {
  const free = $free.get(rep)?.pop();
  const number = free?.[0] ?? repCnt++;
  repTable.set(number, { rep: object });
  return free?.[1] ?? make(number);
}
function $dropped(number) {
  const object = repTable.get(number)?.rep;
  if (object === undefined) return;
  repTable.delete(number);
  if (object[symbolDispose]) object[symbolDispose]();
}
`);
}

// Errors are shown with places in the user's own sources, and with those of their causes.
function errors(text, map) {
  const { sources, mappings } = map;
  return `${text}
const $places = (${places})(${JSON.stringify({ sources, mappings })});
function $shown(error, depth = 0) {
  if (!(error instanceof Error || error instanceof contentGlobal.Error)) {
    try {
      return (typeof error === 'object' && JSON.stringify(error)) || String(error);
    } catch {
      return String(error);
    }
  }
  const frames = (error.stack ?? '').trim().split('\\n').filter(Boolean);
  const stack = frames.map((frame) => '\\n    at ' + frame).join('');
  const isLast = error.cause === undefined || depth === 4;
  return String(error) + stack + (isLast ? '' : '\\nCaused by: ' + $shown(error.cause, depth + 1));
}
for (const { prototype } of [Error, contentGlobal.Error]) {
  const stack = Object.getOwnPropertyDescriptor(prototype, 'stack');
  const get = function () {
    return $places(stack.get.call(this) ?? '');
  };
  Object.defineProperty(prototype, 'stack', { ...stack, get });
  Object.defineProperty(prototype, 'toSource', {
    configurable: true,
    writable: true,
    value() {
      return $shown(this);
    },
  });
}
for (const name of Object.keys(globalThis).filter((name) => name.startsWith('export_'))) {
  const call = globalThis[name];
  globalThis[name] = async (...args) => {
    try {
      return await call(...args.map($toSigned));
    } catch (error) {
      // The engine shows what is thrown as this says, and ends the instance.
      throw { toSource: () => $shown(error) };
    }
  };
}
`;
}
