"""Implements `example:{{name}}/greeter`, see `wit/world.wit`."""

from greeting import greeting
from wit_world import exports


class Greeter(exports.Greeter):
    def greet(self, name: str) -> str:
        return greeting(name)
