// How the time of a log line is read. Knows nothing of components.

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/i;

const LARGEST = 2n ** 64n - 1n;

/** Reads decimal Unix seconds or an RFC 3339 time, whose fraction of a second is dropped. */
export function timestamp(text) {
  if (/^\d+$/.test(text)) {
    const digits = text.replace(/^0+/, '');
    // Counted first: reading a number of very many digits would take long.
    if (digits.length > 20 || BigInt(digits) > LARGEST) {
      throw `The time \`${text}\` is too large: it must fit into 64 bits.`;
    }
    return BigInt(digits);
  }
  const seconds = rfc3339(text);
  if (seconds === undefined) {
    throw `The time \`${text}\` is neither decimal Unix seconds nor a valid RFC 3339 time.`;
  }
  if (seconds < 0) throw `The time \`${text}\` is before 1970-01-01T00:00:00Z.`;
  return BigInt(seconds);
}

/** Seconds since 1970, below zero before it, or undefined if it is no time. */
function rfc3339(text) {
  const parts = RFC_3339.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const [offsetHour, offsetMinute] = [Number(parts[8] ?? 0), Number(parts[9] ?? 0)];
  const date = midnight(year, month, day);
  // A day or month that does not exist becomes another one.
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (parts[7] === '-' ? -60 : 60);
  const start = date.getTime() / 1000 + hour * 3600 + minute * 60 - offset;
  if (second < 60) return start + second;
  // A leap second ends a month in UTC, and counts as the second before it.
  const next = new Date((start + 60) * 1000);
  const endsMonth = next.getUTCDate() === 1 && (start + 60) % 86400 === 0;
  return endsMonth ? start + 59 : undefined;
}

/** `Date.UTC` takes the years up to 99 for those after 1900. */
function midnight(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}
