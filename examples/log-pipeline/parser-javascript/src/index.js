// Implements `cyber:systems/parser`: a raw line becomes time, severity and message.

import { timestamp } from './time.js';

const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'NOTICE', 'WARN', 'WARNING', 'ERROR', 'CRITICAL', 'FATAL'];

// White space is ASCII's: other spaces belong to the words that they stand in.
const LINE = /^[ \t\n\f\r]*([^ \t\n\f\r]+)[ \t\n\f\r]+([^ \t\n\f\r]+)[ \t\n\f\r]+([^]*)$/;
const WHITE = ' \t\n\f\r';

export const parser = {
  // What is thrown becomes the error of the WIT function's `result`.
  parse(raw) {
    const [, time, severity, rest] = LINE.exec(raw) ?? [];
    const message = trimEnd(rest ?? '');
    if (message === '') throw 'Malformed log entry';
    return { timestamp: timestamp(time), severity: readSeverity(severity), message };
  },
};

// `trimEnd` of strings takes more than ASCII's white space, and a pattern could look at each
// space of a long line again and again.
function trimEnd(text) {
  let end = text.length;
  while (end > 0 && WHITE.includes(text[end - 1])) end -= 1;
  return text.slice(0, end);
}

function readSeverity(text) {
  const severity = SEVERITIES.find((known) => known === asciiUpperCase(text));
  if (severity === undefined) {
    throw `The severity \`${text}\` is unknown: use one of ${SEVERITIES.join(', ')}.`;
  }
  return severity;
}

// Outside of ASCII there are letters whose capitals are ASCII's.
function asciiUpperCase(text) {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}
