// How a log line is read: `<time> <severity> <message>`. Knows nothing of components.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

struct Line {
    std::uint64_t timestamp; // seconds since 1970-01-01T00:00:00Z
    std::string_view severity;
    std::string_view message;
};

// Reads one line, or says in a sentence what is wrong with it.
std::expected<Line, std::string> read_line(std::string_view raw);

// Reads decimal Unix seconds or an RFC 3339 time, whose fraction of a second is dropped.
std::expected<std::uint64_t, std::string> read_timestamp(std::string_view text);
