// Implements `market:images/resizer`.

#include <algorithm>
#include <climits>

#include "image_resizer_cpp.h"
#include "picture.hpp"

namespace resizer = exports::market::images::resizer;

namespace {

wit::string owned(const std::string &text)
{
    return wit::string::from_view(text);
}

// What is too large for an `int` is too large for a picture, too.
int side(std::uint32_t pixels)
{
    return static_cast<int>(std::min<std::uint32_t>(pixels, INT_MAX));
}

} // namespace

std::expected<resizer::Info, wit::string> resizer::Inspect(wit::vector<std::uint8_t> picture)
{
    const auto info = inspect(picture.get_const_view());
    if (!info) return std::unexpected(owned(info.error()));
    return Info{
        info->format == ::Format::png ? Format::kPng : Format::kJpeg,
        static_cast<std::uint32_t>(info->size.width),
        static_cast<std::uint32_t>(info->size.height),
    };
}

std::expected<wit::vector<std::uint8_t>, wit::string> resizer::Resize(wit::vector<std::uint8_t> picture,
                                                                      std::uint32_t width, std::uint32_t height)
{
    const auto resized = resize(picture.get_const_view(), {side(width), side(height)});
    if (!resized) return std::unexpected(owned(resized.error()));
    return wit::vector<std::uint8_t>::from_view(std::span(*resized));
}
