#include "line.hpp"

#include <algorithm>
#include <array>

namespace {

using namespace std::string_view_literals;

constexpr std::array severities{
    "TRACE"sv, "DEBUG"sv, "INFO"sv, "NOTICE"sv, "WARN"sv, "WARNING"sv, "ERROR"sv, "CRITICAL"sv, "FATAL"sv,
};

// White space is ASCII's: other spaces belong to the words that they stand in.
constexpr auto white = " \t\n\f\r"sv;

std::string_view trim_start(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
    return text;
}

std::string_view trim_end(std::string_view text)
{
    return text.substr(0, text.find_last_not_of(white) + 1);
}

// Takes the first word off `text`, and the white space after it.
std::string_view take_word(std::string_view &text)
{
    const auto word = text.substr(0, text.find_first_of(white));
    text = trim_start(text.substr(word.size()));
    return word;
}

char upper(char letter)
{
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

std::expected<std::string_view, std::string> read_severity(std::string_view text)
{
    for (const auto known : severities) {
        if (std::ranges::equal(text, known, {}, upper)) return known;
    }
    auto problem = "The severity `" + std::string(text) + "` is unknown: use one of ";
    for (const auto known : severities) problem.append(known).append(known == severities.back() ? "." : ", ");
    return std::unexpected(problem);
}

} // namespace

std::expected<Line, std::string> read_line(std::string_view raw)
{
    auto rest = trim_end(trim_start(raw));
    const auto time = take_word(rest);
    const auto level = take_word(rest);
    if (rest.empty()) return std::unexpected("Malformed log entry");
    const auto timestamp = read_timestamp(time);
    if (!timestamp) return std::unexpected(timestamp.error());
    const auto severity = read_severity(level);
    if (!severity) return std::unexpected(severity.error());
    return Line{*timestamp, *severity, rest};
}
