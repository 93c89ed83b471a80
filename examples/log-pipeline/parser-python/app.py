"""Implements `cyber:systems/parser`: a raw line becomes time, severity and message."""

import calendar
import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.parser import LogEntry

SEVERITIES = "TRACE DEBUG INFO NOTICE WARN WARNING ERROR CRITICAL FATAL".split()

# White space is ASCII's: other spaces belong to the words that they stand in.
WHITE = " \t\n\f\r"
LINE = re.compile(rf"([^{WHITE}]+)[{WHITE}]+([^{WHITE}]+)[{WHITE}]+(.+)", re.DOTALL)

TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII | re.IGNORECASE,
)

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60
LARGEST = 2**64 - 1


class Parser(exports.Parser):
    def parse(self, raw: str) -> LogEntry:
        parts = LINE.fullmatch(raw.strip(WHITE))
        if parts is None:
            raise Err("Malformed log entry")
        time, severity, message = parts.groups()
        return LogEntry(read_timestamp(time), read_severity(severity), message)


def read_timestamp(text: str) -> int:
    """Reads decimal Unix seconds or an RFC 3339 time, whose fraction of a second is dropped."""
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        # Python refuses to read thousands of digits, so they are counted first.
        if len(digits) > len(str(LARGEST)) or int(digits) > LARGEST:
            raise Err(f"The time `{text}` is too large: it must fit into 64 bits.")
        return int(digits)
    seconds = rfc_3339(text)
    if seconds is None:
        raise Err(f"The time `{text}` is neither decimal Unix seconds nor a valid RFC 3339 time.")
    if seconds < 0:
        raise Err(f"The time `{text}` is before 1970-01-01T00:00:00Z.")
    return seconds


def rfc_3339(text: str) -> int | None:
    """Seconds since 1970, below zero before it. `datetime` knows no year 0 and no leap seconds."""
    parts = TIME.fullmatch(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second = map(int, parts.groups()[:6])
    sign, offset_hour, offset_minute = parts[7], int(parts[8] or 0), int(parts[9] or 0)
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 60 or offset_hour > 23 or offset_minute > 59:
        return None
    offset = (offset_hour * HOUR + offset_minute * MINUTE) * (-1 if sign == "-" else 1)
    start = days(year, month, day) * DAY + hour * HOUR + minute * MINUTE - offset
    if second < 60:
        return start + second
    # A leap second ends a month in UTC, and counts as the second before it.
    ends = (days(year, month, 1) * DAY, days(year, month + 1, 1) * DAY)
    return start + 59 if start + MINUTE in ends else None


def days(year: int, month: int, day: int) -> int:
    """The days since 1970-01-01, counted in years that begin in March; month 13 is January."""
    year, month = (year - 1, month + 9) if month <= 2 else (year, month - 3)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719469


def read_severity(text: str) -> str:
    # Outside of ASCII there are letters whose capitals are ASCII's.
    severity = text.upper() if text.isascii() else text
    if severity not in SEVERITIES:
        raise Err(f"The severity `{text}` is unknown: use one of {', '.join(SEVERITIES)}.")
    return severity
