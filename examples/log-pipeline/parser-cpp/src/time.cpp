#include "line.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

namespace {

using std::chrono::days, std::chrono::hours, std::chrono::minutes, std::chrono::seconds;
using std::chrono::sys_days, std::chrono::sys_seconds, std::chrono::year_month_day;

bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

// Takes exactly `count` digits.
std::optional<int> take_number(std::string_view &text, std::size_t count)
{
    const auto digits = text.substr(0, count);
    if (digits.size() < count || !std::ranges::all_of(digits, is_digit)) return {};
    text.remove_prefix(count);
    int number = 0;
    std::from_chars(digits.data(), digits.data() + count, number);
    return number;
}

// Takes one letter, in either case.
bool take(std::string_view &text, char letter)
{
    if (text.empty() || (text[0] != letter && text[0] != (letter | 0x20))) return false;
    text.remove_prefix(1);
    return true;
}

// Takes two or four digits, then the letter that follows them.
std::optional<int> take_part(std::string_view &text, std::size_t count, char letter)
{
    const auto number = take_number(text, count);
    return take(text, letter) ? number : std::nullopt;
}

bool skip_fraction(std::string_view &text)
{
    if (!text.starts_with('.')) return true;
    text.remove_prefix(1);
    const auto digits = std::ranges::find_if_not(text, is_digit) - text.begin();
    text.remove_prefix(digits);
    return digits > 0;
}

// Takes `Z` or `+hh:mm`.
std::optional<minutes> take_offset(std::string_view &text)
{
    if (take(text, 'Z')) return minutes{0};
    if (!text.starts_with('+') && !text.starts_with('-')) return {};
    const int sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    const auto hour = take_part(text, 2, ':'), minute = take_number(text, 2);
    if (!hour || !minute || *hour > 23 || *minute > 59) return {};
    return sign * (hours{*hour} + minutes{*minute});
}

bool ends_month(sys_seconds time)
{
    const auto next = time + seconds{1};
    const auto midnight = std::chrono::floor<days>(next);
    return next == midnight && year_month_day{midnight}.day() == std::chrono::day{1};
}

std::optional<sys_seconds> read_rfc_3339(std::string_view text)
{
    const auto year = take_part(text, 4, '-'), month = take_part(text, 2, '-');
    const auto day = take_part(text, 2, 'T');
    const auto hour = take_part(text, 2, ':'), minute = take_part(text, 2, ':');
    const auto second = take_number(text, 2);
    if (!year || !month || !day || !hour || !minute || !second || !skip_fraction(text)) return {};
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return {};
    const year_month_day date{std::chrono::year{*year}, std::chrono::month(*month), std::chrono::day(*day)};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return {};
    // In seconds from the start: the minutes until the year 9999 do not fit into 32 bits.
    const sys_seconds midnight = sys_days{date};
    // A leap second ends a month in UTC, and counts as the second before it.
    const auto time = midnight + hours{*hour} + minutes{*minute} + seconds{std::min(*second, 59)} - *offset;
    if (*second == 60 && !ends_month(time)) return {};
    return time;
}

} // namespace

std::expected<std::uint64_t, std::string> read_timestamp(std::string_view text)
{
    const auto refuse = [text](const char *reason) {
        return std::unexpected("The time `" + std::string(text) + "` is " + reason);
    };
    if (std::ranges::all_of(text, is_digit)) {
        std::uint64_t timestamp = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), timestamp);
        if (error != std::errc{}) return refuse("too large: it must fit into 64 bits.");
        return timestamp;
    }
    const auto time = read_rfc_3339(text);
    if (!time) return refuse("neither decimal Unix seconds nor a valid RFC 3339 time.");
    const auto timestamp = time->time_since_epoch().count();
    if (timestamp < 0) return refuse("before 1970-01-01T00:00:00Z.");
    return static_cast<std::uint64_t>(timestamp);
}
