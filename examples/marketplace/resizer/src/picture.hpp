// Pictures: read, resized, written. Knows nothing of components.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

using Bytes = std::span<const std::uint8_t>;

enum class Format { png, jpeg };

struct Size {
    int width;
    int height;
};

struct Info {
    Format format;
    Size size;
};

// Reads what a picture says about itself. One that would take too much memory is refused here,
// before any of it is decoded.
std::expected<Info, std::string> inspect(Bytes picture);

// The picture in another size, in its own format.
std::expected<std::vector<std::uint8_t>, std::string> resize(Bytes picture, Size size);
