// What attacks look like. Knows nothing of components.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

enum class Place {
    anywhere,
    start, // it is the type of a file
};

// Bytes by which an attack is known.
struct Signature {
    std::uint8_t level; // from 1, a nuisance, to 10
    std::string_view name;
    Place place;
    std::string_view bytes; // letters of ASCII stand for both cases
};

// The worst that is found, or null.
const Signature *worst(std::span<const std::uint8_t> payload);
