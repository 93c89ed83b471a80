// Writes values down. Two are equal if they are written the same: that holds NaN equal to itself,
// and tells the two zeros apart.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdio>
#include <string>

#include "both_cpp.h"

namespace echo = test::everything::echo;

struct Writer {
    std::string out;

    void operator()(std::integral auto value) { out += std::to_string(value); }

    void operator()(std::floating_point auto value)
    {
        char digits[32];
        std::snprintf(digits, sizeof digits, "%.17g", static_cast<double>(value));
        // The sign of what is no number says nothing.
        out += std::isnan(value) ? "NaN" : digits;
    }

    void operator()(echo::Suit value) { (*this)(static_cast<int>(value)); }
    void operator()(echo::Rights value) { (*this)(static_cast<int>(value)); }

    void operator()(std::string_view value) { out.append("\"").append(value).append("\""); }
    void operator()(wit::string const &value) { (*this)(value.get_view()); }

    template <class T, std::size_t N> void operator()(std::span<T, N> values)
    {
        out += "[";
        for (auto const &value : values) {
            (*this)(value);
            out += ", ";
        }
        out += "]";
    }

    template <class T> void operator()(wit::vector<T> const &values) { (*this)(values.get_const_view()); }

    template <class T> void operator()(std::optional<T> const &value)
    {
        out += value ? "some(" : "none";
        if (value) {
            (*this)(*value);
            out += ")";
        }
    }

    template <class T, class E> void operator()(std::expected<T, E> const &value)
    {
        out += value ? "ok(" : "error(";
        if constexpr (!std::is_void_v<T>) {
            if (value) (*this)(*value);
            else (*this)(value.error());
        }
        out += ")";
    }

    template <class... T> void operator()(std::tuple<T...> const &value)
    {
        std::apply([this](auto const &...parts) { this->all(parts...); }, value);
    }

    void operator()(echo::Point const &value) { all(value.x, value.y); }

    void operator()(echo::Shape const &value)
    {
        out += "shape " + std::to_string(value.variants.index()) + " ";
        const auto part = [this](auto const &shape) {
            if constexpr (requires { shape.value; }) (*this)(shape.value);
        };
        std::visit(part, value.variants);
    }

    void operator()(echo::Card const &value)
    {
        all(value.name, value.id, value.balance, value.note, value.tags, value.rights, value.suit, value.shape);
    }

    void operator()(echo::Many const &v)
    {
        all(v.a, v.b, v.c, v.d, v.e, v.f, v.g, v.h, v.i, v.j, v.k, v.l, v.m, v.n, v.o, v.p);
    }

    void all(auto const &...parts)
    {
        out += "{";
        (((*this)(parts), out += ", "), ...);
        out += "}";
    }
};

std::string written(auto const &value)
{
    Writer writer;
    writer(value);
    return writer.out;
}
