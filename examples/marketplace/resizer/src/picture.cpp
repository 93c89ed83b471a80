#include "picture.hpp"

#include <algorithm>
#include <array>
#include <memory>

#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#include <stb_image.h>
#include <stb_image_resize.h>
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

namespace {

// A file of a few bytes may say that it is huge: that many pixels are decoded and no more.
constexpr std::int64_t max_pixels = 16'000'000;

// The longest side of what comes out.
constexpr int max_side = 4096;

constexpr int jpeg_quality = 85;

constexpr std::array<std::uint8_t, 8> png_start{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::array<std::uint8_t, 3> jpeg_start{0xff, 0xd8, 0xff};

struct Free {
    void operator()(stbi_uc *pixels) const { stbi_image_free(pixels); }
};

using Pixels = std::unique_ptr<stbi_uc, Free>;

bool starts_with(Bytes bytes, std::span<const std::uint8_t> start)
{
    return bytes.size() >= start.size() && std::ranges::equal(bytes.first(start.size()), start);
}

std::unexpected<std::string> refuse(std::string reason)
{
    return std::unexpected(std::move(reason));
}

std::unexpected<std::string> broken()
{
    const char *reason = stbi_failure_reason();
    return refuse(std::string("The picture is broken: ") + (reason != nullptr ? reason : "it cannot be read") + ".");
}

// Which of the channels is the opacity; the colours of what cannot be seen do not count.
int opacity_channel(int channels)
{
    return channels % 2 == 0 ? channels - 1 : STBIR_ALPHA_CHANNEL_NONE;
}

void append(void *context, void *data, int size)
{
    auto &written = *static_cast<std::vector<std::uint8_t> *>(context);
    const auto *bytes = static_cast<const std::uint8_t *>(data);
    written.insert(written.end(), bytes, bytes + size);
}

} // namespace

std::expected<Info, std::string> inspect(Bytes picture)
{
    const bool is_png = starts_with(picture, png_start);
    if (!is_png && !starts_with(picture, jpeg_start)) return refuse("The picture is neither PNG nor JPEG.");
    Size size{};
    int channels = 0;
    const auto length = static_cast<int>(picture.size());
    if (!stbi_info_from_memory(picture.data(), length, &size.width, &size.height, &channels)) return broken();
    const auto pixels = std::int64_t{size.width} * size.height;
    if (pixels > max_pixels) {
        return refuse("The picture has " + std::to_string(pixels) + " pixels, and " + std::to_string(max_pixels) +
                      " are allowed.");
    }
    return Info{is_png ? Format::png : Format::jpeg, size};
}

std::expected<std::vector<std::uint8_t>, std::string> resize(Bytes picture, Size size)
{
    const auto info = inspect(picture);
    if (!info) return std::unexpected(info.error());
    if (size.width < 1 || size.height < 1 || size.width > max_side || size.height > max_side) {
        return refuse("A side has 1 to " + std::to_string(max_side) + " pixels.");
    }
    int width = 0, height = 0, channels = 0;
    const auto length = static_cast<int>(picture.size());
    const Pixels pixels(stbi_load_from_memory(picture.data(), length, &width, &height, &channels, 0));
    if (pixels == nullptr) return broken();
    std::vector<std::uint8_t> resized(static_cast<std::size_t>(size.width) * size.height * channels);
    const bool is_resized = stbir_resize_uint8_srgb(pixels.get(), width, height, 0, resized.data(), size.width, size.height,
                                                    0, channels, opacity_channel(channels), 0);
    if (!is_resized) return refuse("There is not enough memory to resize the picture.");
    std::vector<std::uint8_t> written;
    const bool is_written =
        info->format == Format::png
            ? stbi_write_png_to_func(append, &written, size.width, size.height, channels, resized.data(), 0)
            : stbi_write_jpg_to_func(append, &written, size.width, size.height, channels, resized.data(), jpeg_quality);
    if (!is_written) return refuse("There is not enough memory to write the picture.");
    return written;
}
