/**
 * Finds the places in the user's sources that places in their bundle were made of.
 *
 * It is one function, whose text goes into each component too: there it is called when an error is
 * shown for the first time, and not before. `map` is the bundle's source map.
 */
export function places(map) {
  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let lines;

  /** The numbers of one segment: in base 64, five bits in each digit, the sign in the lowest bit. */
  function numbers(segment) {
    const found = [];
    let value = 0;
    let shift = 0;
    for (const digit of segment) {
      const bits = DIGITS.indexOf(digit);
      value += (bits & 31) * 2 ** shift;
      shift += 5;
      if (bits < 32) {
        found.push(value % 2 ? -Math.floor(value / 2) : value / 2);
        value = shift = 0;
      }
    }
    return found;
  }

  /** For each line of the bundle its segments: a column, and a source with a line and a column. */
  function decode() {
    let [source, line, column] = [0, 0, 0];
    return map.mappings.split(';').map((text) => {
      let at = 0;
      return text.split(',').flatMap((segment) => {
        const [by, bySource, byLine, byColumn] = numbers(segment);
        at += by ?? 0;
        if (byColumn === undefined) return [];
        [source, line, column] = [source + bySource, line + byLine, column + byColumn];
        return [[at, source, line, column]];
      });
    });
  }

  function original(line, column) {
    lines ??= decode();
    const before = (lines[line - 1] ?? []).filter(([at]) => at < column);
    if (before.length === 0) return undefined;
    const [at, source, sourceLine, sourceColumn] = before[before.length - 1];
    return `${map.sources[source]}:${sourceLine + 1}:${sourceColumn + column - at}`;
  }

  /** `text` with the user's sources in place of the bundle, and without the frames of the bindings. */
  return (text) =>
    text
      .replace(/^.*initializer\.js:\d+:\d+\n?/gm, '')
      .replace(/[^\s@(]*\bbundle\.js:(\d+):(\d+)/g, (place, line, column) => {
        return original(Number(line), Number(column)) ?? place;
      });
}
