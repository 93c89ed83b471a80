"""Calls the imported echo with values at the edges of every type."""

from math import inf, nan
from typing import Any, Callable

from componentize_py_types import Err, Ok, Some
from wit_world.imports import echo
from wit_world.imports.echo import (
    Card,
    Many,
    Point,
    Rights,
    Shape_Circle,
    Shape_Label,
    Shape_Nothing,
    Shape_Polygon,
    Suit,
)

NOTHING = Rights(0)
ALL = ~NOTHING

# Texts that a language may treat in a way of its own: none at all, a zero inside, more than one
# byte or one unit of UTF-16 for a letter, the last character of all, and a long one.
TEXTS = [
    *("", "plain", "a\0b", "Größe", "大きさ", "🦀 crab", "e\u0301", "\ufeffx", "\U0010ffff"),
    "ä🦀" * 4_000,
]
TEXT = "Größe 🦀"

F64S = [0.0, -0.0, 0.1, 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324, inf, -inf, nan]
# A float of Python has 64 bits: these are the values that 32 hold.
F32S = [
    *(0.0, -0.0, 0.10000000149011612, 3.4028234663852886e38, 1.1754943508222875e-38),
    *(1.401298464324817e-45, inf, -inf, nan),
]

# The last one that a float holds exactly is 2^53; one more is where it goes wrong.
S64S = [0, -1, -(2**63), 2**63 - 1, 2**53 + 1, -(2**53) - 1]
U64S = [0, 2**53 + 1, 2**63, 2**64 - 1]

SHAPES = [
    Shape_Nothing(),
    Shape_Circle(-inf),
    Shape_Polygon([]),
    Shape_Polygon([Point(x, -x) for x in F64S]),
    Shape_Label(TEXT),
]

CARDS = [
    Card("", 0, 0, None, [], NOTHING, Suit.CLUBS, Shape_Nothing()),
    *(Card(TEXT, 2**64 - 1, -(2**63), "", TEXTS, ALL, Suit.SPADES, shape) for shape in SHAPES),
]

LEAST = Many(
    *(False, 0, -(2**7), 0, -(2**15), 0, -(2**31), 0, -(2**63)),
    *(-inf, nan, "\0", "", b"", None, Suit.CLUBS),
)
MOST = Many(
    *(True, 2**8 - 1, 2**7 - 1, 2**16 - 1, 2**15 - 1, 2**32 - 1, 2**31 - 1, 2**64 - 1, 2**63 - 1),
    *(F32S[3], F64S[3], "\U0010ffff", TEXT, b"\x00\xff", 2**64 - 1, Suit.SPADES),
)

VALUES: list[tuple[Callable, list]] = [
    (echo.echo_bool, [False, True]),
    (echo.echo_u8, [0, 1, 2**8 - 1]),
    (echo.echo_s8, [0, -1, -(2**7), 2**7 - 1]),
    (echo.echo_u16, [0, 2**16 - 1]),
    (echo.echo_s16, [-1, -(2**15), 2**15 - 1]),
    (echo.echo_u32, [0, 2**31, 2**32 - 1]),
    (echo.echo_s32, [-1, -(2**31), 2**31 - 1]),
    (echo.echo_u64, U64S),
    (echo.echo_s64, S64S),
    (echo.echo_f32, F32S),
    (echo.echo_f64, F64S),
    (echo.echo_char, ["\0", "a", "ß", "大", "🦀", "\U0010ffff"]),
    (echo.echo_string, TEXTS),
    (echo.echo_bytes, [b"", b"\x00\xff", bytes(i % 251 for i in range(1_000_000))]),
    (echo.echo_strings, [[], TEXTS]),
    (echo.echo_longs, [[], S64S]),
    (echo.echo_floats, [[], F64S]),
    (echo.echo_lists, [[], [[]], [[0, 2**16 - 1], [], [7]]]),
    (echo.echo_option, [None, "", TEXT]),
    (echo.echo_nested_option, [None, Some(None), Some(0), Some(2**32 - 1)]),
    (echo.echo_result, [Ok(2**64 - 1), Ok(0), Err(""), Err(TEXT)]),
    (echo.echo_empty_result, [Ok(None), Err(None)]),
    (echo.echo_tuple, [(0, "", nan), (255, TEXT, -0.0)]),
    (echo.echo_suit, list(Suit)),
    (echo.echo_rights, [NOTHING, Rights.READ, Rights.GRANT, Rights.WRITE | Rights.AUDIT, ALL]),
    (echo.echo_shape, SHAPES),
    (echo.echo_card, CARDS),
    (echo.echo_cards, [[], CARDS]),
    (echo.echo_many, [LEAST, MOST]),
]


def find() -> list[str]:
    """What came back as another value than it went."""
    found = []
    for function, values in VALUES:
        for value in values:
            # How a value is written holds NaN equal to itself, and tells the two zeros apart.
            given, answer = repr(value), repr(ask(function, value))
            if given != answer:
                name = function.__name__.replace("_", "-")
                found.append(f"{name}: gave {given[:200]}, got {answer[:200]}")
    return found


def ask(function: Callable, value: Any) -> Any:
    if isinstance(value, Many):
        return function(*vars(value).values())
    if not isinstance(value, (Ok, Err)):
        return function(value)
    # As an answer, an error is raised.
    try:
        return Ok(function(value))
    except Err as error:
        return error
