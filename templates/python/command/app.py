"""Greets whoever is named on the command line."""

from greeting import greeting
from wit_world import exports
from wit_world.imports import environment


class Run(exports.Run):
    def run(self) -> None:
        arguments = environment.get_arguments()[1:]
        print(greeting(arguments[0] if arguments else "world"))
