"""Implements `market:rules/pricing`: what each plan may do with a picture, and what it costs."""

from dataclasses import dataclass

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.pricing import Decision, Order

MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Plan:
    max_upload_bytes: int
    max_side: int
    cents_per_picture: int
    cents_per_megapixel: int
    """For each that is begun, of the picture that comes out."""


PLANS = {
    "free": Plan(1 << 20, 256, 0, 0),
    "standard": Plan(4 << 20, 1024, 2, 3),
    "studio": Plan(8 << 20, 4096, 0, 2),
}


class Pricing(exports.Pricing):
    def decide(self, order: Order) -> Decision:
        name = order.plan if order.plan is not None else "free"
        plan = PLANS.get(name)
        if plan is None:
            raise Err(f"There is no plan `{name}`: the plans are {', '.join(PLANS)}.")
        if order.bytes > plan.max_upload_bytes:
            limit = plan.max_upload_bytes >> 20
            raise Err(f"The plan `{name}` takes pictures of up to {limit} MiB.")
        if min(order.width, order.height, order.max_width, order.max_height) < 1:
            raise Err("A picture is at least one pixel wide and high.")
        width, height = fit(order, plan.max_side)
        megapixels = -(-width * height // MEGAPIXEL)
        cents = plan.cents_per_picture + megapixels * plan.cents_per_megapixel
        return Decision(width, height, cents)


def fit(order: Order, max_side: int) -> tuple[int, int]:
    """The largest size with the picture's own proportions, no larger than the picture itself."""
    scale = min(
        1,
        min(order.max_width, max_side) / order.width,
        min(order.max_height, max_side) / order.height,
    )
    return max(1, round(order.width * scale)), max(1, round(order.height * scale))
