"""Implements `example:service/processing` on top of another component that does: orders are
validated by it first, and decided about here."""

import json

from wit_world import exports
from wit_world.imports import processing
from wit_world.imports.processing import Request, Response

# Above this, a person decides.
LARGEST_ORDER_CENTS = 1_000_000

# No order is nested deeper. Python's reader of JSON ends the component before it says that a text
# is nested too deep for it.
DEEPEST_ORDER = 32


class Processing(exports.Processing):
    def process(self, req: Request) -> Response:
        validated = processing.process(req)
        if validated.status != 200:
            return validated
        try:
            total = total_cents(parse(req.payload))
        except ValueError as error:
            return Response(422, f"The order {req.id} cannot be read: {error}")
        if total > LARGEST_ORDER_CENTS:
            return Response(202, f"{validated.message}: {euros(total)} await approval")
        return Response(200, f"{validated.message}: {euros(total)}")


def parse(payload: bytes) -> object:
    depth = 0
    for byte in payload:
        depth += (byte in b"[{") - (byte in b"]}")
        if depth > DEEPEST_ORDER:
            raise ValueError("it is nested too deep")
    return json.loads(payload)


def total_cents(order: object) -> int:
    """The sum of `{"items": [{"price": cents, "count": n}, …]}`."""
    items = order.get("items") if isinstance(order, dict) else None
    if not isinstance(items, list) or not items:
        raise ValueError("it has no list `items`")
    return sum(part(item, "price") * part(item, "count") for item in items)


def part(item: object, name: str) -> int:
    value = item.get(name) if isinstance(item, dict) else None
    # A truth value is a number to Python, and to nobody else.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"an item has no `{name}` that is a whole number of 0 or more")
    return value


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02} euros"
