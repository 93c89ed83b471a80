"""Echoes everything, and checks the echo that it is linked to."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import echo

import differences


class CheckPython(exports.CheckPython):
    def check(self) -> list[str]:
        return differences.find()


class Echo(exports.Echo):
    def echo_bool(self, value):
        return value

    def echo_u8(self, value):
        return value

    def echo_s8(self, value):
        return value

    def echo_u16(self, value):
        return value

    def echo_s16(self, value):
        return value

    def echo_u32(self, value):
        return value

    def echo_s32(self, value):
        return value

    def echo_u64(self, value):
        return value

    def echo_s64(self, value):
        return value

    def echo_f32(self, value):
        return value

    def echo_f64(self, value):
        return value

    def echo_char(self, value):
        return value

    def echo_string(self, value):
        return value

    def echo_bytes(self, value):
        return value

    def echo_strings(self, value):
        return value

    def echo_longs(self, value):
        return value

    def echo_floats(self, value):
        return value

    def echo_lists(self, value):
        return value

    def echo_option(self, value):
        return value

    def echo_nested_option(self, value):
        return value

    def echo_result(self, value):
        # As an answer, an error is raised.
        if isinstance(value, Err):
            raise value
        return value.value

    def echo_empty_result(self, value):
        if isinstance(value, Err):
            raise value

    def echo_tuple(self, value):
        return value

    def echo_suit(self, value):
        return value

    def echo_rights(self, value):
        return value

    def echo_shape(self, value):
        return value

    def echo_card(self, value):
        return value

    def echo_cards(self, value):
        return value

    def echo_many(self, *values):
        return echo.Many(*values)
