// Echoes everything, and checks the echo that it is linked to.

import { differences } from './differences.js';

export const checkJavascript = { check: differences };

const same = (value) => value;

// As an answer, an error is thrown.
const unwrap = (result) => {
  if (result.tag === 'err') throw result.val;
  return result.val;
};

export const echo = {
  echoBool: same,
  echoU8: same,
  echoS8: same,
  echoU16: same,
  echoS16: same,
  echoU32: same,
  echoS32: same,
  echoU64: same,
  echoS64: same,
  echoF32: same,
  echoF64: same,
  echoChar: same,
  echoString: same,
  echoBytes: same,
  echoStrings: same,
  echoLongs: same,
  echoFloats: same,
  echoLists: same,
  echoOption: same,
  echoNestedOption: same,
  echoResult: unwrap,
  echoEmptyResult: unwrap,
  echoTuple: same,
  echoSuit: same,
  echoRights: same,
  echoShape: same,
  echoCard: same,
  echoCards: same,
  echoMany: (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) => ({ a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p }),
};
