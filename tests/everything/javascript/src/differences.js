// Calls the imported echo with values at the edges of every type.

import * as echo from 'test:everything/echo';

const TEXT = 'Größe 🦀';

// Texts that a language may treat in a way of its own: none at all, a zero inside, more than one
// byte or one unit of UTF-16 for a letter, the last character of all, and a long one.
const TEXTS = [
  ...['', 'plain', 'a\0b', 'Größe', '大きさ', '🦀 crab', 'e\u0301', '\ufeffx', '\u{10ffff}'],
  'ä🦀'.repeat(4_000),
];

const F64S = [0, -0, 0.1, Number.MAX_VALUE, 2.2250738585072014e-308, 5e-324, Infinity, -Infinity, NaN];

// A number has 64 bits: these are the values that 32 hold.
const F32S = [0, -0, 0.1, 3.4028234663852886e38, 1.1754943508222875e-38, 1e-45, Infinity, -Infinity, NaN].map(
  Math.fround,
);

// The last one that a float holds exactly is 2^53; one more is where it goes wrong.
const S64S = [0n, -1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n];
const U64S = [0n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];

const SUITS = ['clubs', 'diamonds', 'hearts', 'spades'];

const RIGHTS = ['read', 'write', 'execute', 'create', 'delete', 'rename', 'share', 'audit', 'grant'];
const rights = (...names) => Object.fromEntries(RIGHTS.map((name) => [name, names.includes(name)]));

const SHAPES = [
  { tag: 'nothing' },
  { tag: 'circle', val: -Infinity },
  { tag: 'polygon', val: [] },
  { tag: 'polygon', val: F64S.map((x) => ({ x, y: -x })) },
  { tag: 'label', val: TEXT },
];

const EMPTY = {
  name: '',
  id: 0n,
  balance: 0n,
  note: undefined,
  tags: [],
  rights: rights(),
  suit: 'clubs',
  shape: SHAPES[0],
};

const CARDS = [
  EMPTY,
  ...SHAPES.map((shape) => ({
    name: TEXT,
    id: 2n ** 64n - 1n,
    balance: -(2n ** 63n),
    note: '',
    tags: TEXTS,
    rights: rights(...RIGHTS),
    suit: 'spades',
    shape,
  })),
];

const LEAST = {
  ...{ a: false, b: 0, c: -(2 ** 7), d: 0, e: -(2 ** 15), f: 0, g: -(2 ** 31), h: 0n, i: -(2n ** 63n) },
  ...{ j: -Infinity, k: NaN, l: '\0', m: '', n: new Uint8Array(), o: undefined, p: 'clubs' },
};
const MOST = {
  ...{ a: true, b: 2 ** 8 - 1, c: 2 ** 7 - 1, d: 2 ** 16 - 1, e: 2 ** 15 - 1, f: 2 ** 32 - 1 },
  ...{ g: 2 ** 31 - 1, h: 2n ** 64n - 1n, i: 2n ** 63n - 1n, j: F32S[3], k: Number.MAX_VALUE },
  ...{ l: '\u{10ffff}', m: TEXT, n: Uint8Array.of(0, 255), o: 2n ** 64n - 1n, p: 'spades' },
};

const some = (val) => ({ tag: 'some', val });
const NONE = { tag: 'none' };
const ok = (val) => ({ tag: 'ok', val });
const err = (val) => ({ tag: 'err', val });

const VALUES = {
  'echo-bool': [echo.echoBool, [false, true]],
  'echo-u8': [echo.echoU8, [0, 1, 2 ** 8 - 1]],
  'echo-s8': [echo.echoS8, [0, -1, -(2 ** 7), 2 ** 7 - 1]],
  'echo-u16': [echo.echoU16, [0, 2 ** 16 - 1]],
  'echo-s16': [echo.echoS16, [-1, -(2 ** 15), 2 ** 15 - 1]],
  'echo-u32': [echo.echoU32, [0, 2 ** 31, 2 ** 32 - 1]],
  'echo-s32': [echo.echoS32, [-1, -(2 ** 31), 2 ** 31 - 1]],
  'echo-u64': [echo.echoU64, U64S],
  'echo-s64': [echo.echoS64, S64S],
  'echo-f32': [echo.echoF32, F32S],
  'echo-f64': [echo.echoF64, F64S],
  'echo-char': [echo.echoChar, ['\0', 'a', 'ß', '大', '🦀', '\u{10ffff}']],
  'echo-string': [echo.echoString, TEXTS],
  'echo-bytes': [echo.echoBytes, [new Uint8Array(), Uint8Array.of(0, 255), million()]],
  'echo-strings': [echo.echoStrings, [[], TEXTS]],
  'echo-longs': [echo.echoLongs, [new BigInt64Array(), BigInt64Array.from(S64S)]],
  'echo-floats': [echo.echoFloats, [new Float64Array(), Float64Array.from(F64S)]],
  'echo-lists': [echo.echoLists, [[], [[]], [[0, 2 ** 16 - 1], [], [7]]].map(shorts)],
  'echo-option': [echo.echoOption, [undefined, '', TEXT]],
  'echo-nested-option': [echo.echoNestedOption, [NONE, some(undefined), some(0), some(2 ** 32 - 1)]],
  'echo-result': [echo.echoResult, [ok(2n ** 64n - 1n), ok(0n), err(''), err(TEXT)]],
  'echo-empty-result': [echo.echoEmptyResult, [ok(undefined), err(undefined)]],
  'echo-tuple': [echo.echoTuple, [[0, '', NaN], [255, TEXT, -0]]],
  'echo-suit': [echo.echoSuit, SUITS],
  'echo-rights': [
    echo.echoRights,
    [rights(), rights('read'), rights('grant'), rights('write', 'audit'), rights(...RIGHTS)],
  ],
  'echo-shape': [echo.echoShape, SHAPES],
  'echo-card': [echo.echoCard, CARDS],
  'echo-cards': [echo.echoCards, [[], CARDS]],
  'echo-many': [(many) => echo.echoMany(...Object.values(many)), [LEAST, MOST]],
};

/** What came back as another value than it went. */
export function differences() {
  const found = [];
  for (const [name, [echo, values]] of Object.entries(VALUES)) {
    for (const value of values) {
      const answer = ask(echo, value);
      if (!isSame(value, answer)) {
        found.push(`${name}: gave ${show(value)}, got ${show(answer)}`);
      }
    }
  }
  return found;
}

/** As an answer, an error is thrown, with what it carries inside. */
function ask(echo, value) {
  const isResult = value?.tag === 'ok' || value?.tag === 'err';
  if (!isResult) return echo(value);
  try {
    return ok(echo(value));
  } catch (error) {
    if (!('payload' in error)) throw error;
    return err(error.payload);
  }
}

/** `Object.is` holds NaN equal to itself, and tells the two zeros apart. */
function isSame(one, other) {
  if (typeof one !== 'object' || typeof other !== 'object') return Object.is(one, other);
  if (ArrayBuffer.isView(one)) {
    return one.length === other.length && one.every((part, i) => Object.is(part, other[i]));
  }
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return one.length === other.length && [...keys].every((key) => isSame(one[key], other[key]));
}

function show(value) {
  const plain = (_, part) => (typeof part === 'bigint' ? `${part}n` : part);
  const text = JSON.stringify(ArrayBuffer.isView(value) ? [...value.slice(0, 50)] : value, plain);
  return (text ?? 'undefined').slice(0, 200);
}

function million() {
  return Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251);
}

function shorts(lists) {
  return lists.map((list) => Uint16Array.from(list));
}
