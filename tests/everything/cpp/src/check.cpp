// Calls the imported echo with values at the edges of every type.

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "writer.hpp"

namespace {

using namespace std::string_view_literals;

template <class T> constexpr T least = std::numeric_limits<T>::lowest();
template <class T> constexpr T most = std::numeric_limits<T>::max();
template <class T> constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T> constexpr T nan = std::numeric_limits<T>::quiet_NaN();

constexpr auto text = "Größe 🦀"sv;

constexpr std::uint32_t last_char = 0x10ffff;

// Texts that a language may treat in a way of its own: none at all, a zero inside, more than one
// byte or one unit of UTF-16 for a letter, the last character of all, and a long one.
std::vector<std::string_view> texts()
{
    static const std::string long_text = [] {
        std::string text;
        for (int i = 0; i < 4'000; i++) text += "ä🦀";
        return text;
    }();
    return {""sv, "plain"sv, "a\0b"sv, "Größe"sv, "大きさ"sv, "🦀 crab"sv, "e\u0301"sv, "\ufeffx"sv, "\U0010ffff"sv, long_text};
}

template <class T> std::vector<T> floats()
{
    using limits = std::numeric_limits<T>;
    return {T(0), -T(0), T(0.1), most<T>, limits::min(), limits::denorm_min(), infinity<T>, -infinity<T>, nan<T>};
}

// The last one that a float holds exactly is 2^53; one more is where it goes wrong.
constexpr std::array<std::int64_t, 6> longs{
    0, -1, least<std::int64_t>, most<std::int64_t>, 9'007'199'254'740'993, -9'007'199'254'740'993,
};
constexpr std::array<std::uint64_t, 4> unsigned_longs{
    0, 9'007'199'254'740'993, std::uint64_t{1} << 63, most<std::uint64_t>,
};

constexpr auto no_rights = echo::Rights::k_None, all_rights = echo::Rights(0x1ff);

wit::string owned(std::string_view text)
{
    return wit::string::from_view(text);
}

wit::vector<wit::string> owned(std::vector<std::string_view> const &texts)
{
    auto list = wit::vector<wit::string>::allocate(texts.size());
    for (std::size_t i = 0; i < texts.size(); i++) list.initialize(i, owned(texts[i]));
    return list;
}

template <class T> wit::vector<T> owned(std::vector<T> const &values)
{
    return wit::vector<T>::from_view(std::span(values));
}

std::vector<echo::Shape> shapes()
{
    std::vector<echo::Point> points;
    for (const double x : floats<double>()) points.push_back({x, -x});
    std::vector<echo::Shape> shapes;
    shapes.push_back({echo::Shape::Nothing{}});
    shapes.push_back({echo::Shape::Circle{-infinity<double>}});
    shapes.push_back({echo::Shape::Polygon{wit::vector<echo::Point>()}});
    shapes.push_back({echo::Shape::Polygon{owned(points)}});
    shapes.push_back({echo::Shape::Label{owned(text)}});
    return shapes;
}

std::vector<echo::Card> cards()
{
    std::vector<echo::Card> cards;
    cards.push_back({owned(""), 0, 0, {}, {}, no_rights, echo::Suit::kClubs, {echo::Shape::Nothing{}}});
    for (auto &shape : shapes()) {
        cards.push_back({owned(text), most<std::uint64_t>, least<std::int64_t>, owned(""), owned(texts()), all_rights,
                         echo::Suit::kSpades, std::move(shape)});
    }
    return cards;
}

// No more than the beginning of a long text, in which the bytes of a letter stay together.
std::string beginning(std::string const &text)
{
    std::size_t length = std::min<std::size_t>(text.size(), 200);
    while (length > 0 && length < text.size() && (text[length] & 0xc0) == 0x80) length--;
    return text.substr(0, length);
}

class Check {
    std::vector<std::string> found;

    // Asks once. What is given may be moved away by the call.
    void one(const char *function, auto &&value, auto echo)
    {
        const auto given = written(value), answer = written(echo(std::move(value)));
        if (given == answer) return;
        found.push_back(std::string(function) + ": gave " + beginning(given) + ", got " + beginning(answer));
    }

    void each(const char *function, auto &&values, auto echo)
    {
        for (auto &&value : values) one(function, value, echo);
    }

    template <class T> void integers(const char *function, T (*echo)(T))
    {
        each(function, std::array{T(0), T(-1), T(1), least<T>, most<T>, T(most<T> / 2 + 1)}, echo);
    }

    void numbers()
    {
        each("echo-bool", std::array{false, true}, echo::EchoBool);
        integers("echo-u8", echo::EchoU8);
        integers("echo-s8", echo::EchoS8);
        integers("echo-u16", echo::EchoU16);
        integers("echo-s16", echo::EchoS16);
        integers("echo-u32", echo::EchoU32);
        integers("echo-s32", echo::EchoS32);
        each("echo-u64", unsigned_longs, echo::EchoU64);
        each("echo-s64", longs, echo::EchoS64);
        each("echo-f32", floats<float>(), echo::EchoF32);
        each("echo-f64", floats<double>(), echo::EchoF64);
        each("echo-char", U"\0aß大🦀\U0010ffff"sv, [](std::uint32_t value) { return echo::EchoChar(value); });
    }

    void lists()
    {
        each("echo-string", texts(), echo::EchoString);
        std::vector<std::uint8_t> million(1'000'000);
        for (std::size_t i = 0; i < million.size(); i++) million[i] = i % 251;
        const std::vector<std::uint8_t> bytes[] = {{}, {0, 255}, std::move(million)};
        for (auto const &value : bytes) one("echo-bytes", std::span(value), echo::EchoBytes);
        const auto no_texts = std::vector<std::string_view>{};
        one("echo-strings", std::span(no_texts), echo::EchoStrings);
        const auto all_texts = texts();
        one("echo-strings", std::span(all_texts), echo::EchoStrings);
        one("echo-longs", std::span<std::int64_t const>{}, echo::EchoLongs);
        one("echo-longs", std::span<std::int64_t const>(longs), echo::EchoLongs);
        const auto doubles = floats<double>();
        one("echo-floats", std::span<double const>{}, echo::EchoFloats);
        one("echo-floats", std::span(doubles), echo::EchoFloats);
        const auto numbers = std::array<std::uint16_t, 3>{0, 65535, 7};
        using Shorts = std::span<std::uint16_t const>;
        const auto lists = std::array{Shorts(numbers).first(2), Shorts{}, Shorts(numbers).last(1)};
        for (const std::size_t length : {0, 1, 3}) {
            // The first of the lists is empty where there is one list only.
            const auto part = length == 1 ? std::span(lists).subspan(1, 1) : std::span(lists).first(length);
            one("echo-lists", part, echo::EchoLists);
        }
    }

    void compounds()
    {
        using Option = std::optional<std::string_view>;
        each("echo-option", std::array{Option{}, Option{""}, Option{text}}, echo::EchoOption);
        using Inner = std::optional<std::uint32_t>;
        using Nested = std::optional<Inner>;
        each("echo-nested-option", std::array{Nested{}, Nested{Inner{}}, Nested{0}, Nested{most<std::uint32_t>}},
             echo::EchoNestedOption);
        using Result = std::expected<std::uint64_t, wit::string>;
        for (const std::uint64_t value : {most<std::uint64_t>, std::uint64_t{0}}) one("echo-result", Result(value), echo::EchoResult);
        for (const auto error : {""sv, text}) one("echo-result", Result(std::unexpected(owned(error))), echo::EchoResult);
        using Empty = std::expected<void, wit::Void>;
        each("echo-empty-result", std::array{Empty{}, Empty{std::unexpected(wit::Void{})}}, echo::EchoEmptyResult);
        using Tuple = std::tuple<std::uint8_t, std::string_view, double>;
        each("echo-tuple", std::array{Tuple{0, "", nan<double>}, Tuple{255, text, -0.0}}, echo::EchoTuple);
        using enum echo::Suit;
        each("echo-suit", std::array{kClubs, kDiamonds, kHearts, kSpades}, echo::EchoSuit);
        using echo::Rights;
        each("echo-rights",
             std::array{no_rights, Rights::kRead, Rights::kGrant, Rights::kWrite | Rights::kAudit, all_rights},
             echo::EchoRights);
        each("echo-shape", shapes(), echo::EchoShape);
        each("echo-card", cards(), echo::EchoCard);
    }

    void records()
    {
        const auto all = cards();
        one("echo-cards", std::span<echo::Card const>{}, echo::EchoCards);
        one("echo-cards", std::span(all), echo::EchoCards);
        const auto many = [](echo::Many v) {
            return echo::EchoMany(v.a, v.b, v.c, v.d, v.e, v.f, v.g, v.h, v.i, v.j, v.k, v.l, v.m.get_view(),
                                  v.n.get_const_view(), v.o, v.p);
        };
        one("echo-many", extreme<false>("", {}, '\0', {}, echo::Suit::kClubs), many);
        one("echo-many", extreme<true>(text, {0, 255}, last_char, most<std::uint64_t>, echo::Suit::kSpades), many);
    }

    // All numbers at their largest, or at their smallest.
    template <bool Largest>
    static echo::Many extreme(std::string_view text, std::vector<std::uint8_t> const &bytes, std::uint32_t letter,
                              std::optional<std::uint64_t> option, echo::Suit suit)
    {
        const auto number = []<class T>(T) { return Largest ? most<T> : least<T>; };
        return {Largest, number(std::uint8_t{}), number(std::int8_t{}), number(std::uint16_t{}), number(std::int16_t{}),
                number(std::uint32_t{}), number(std::int32_t{}), number(std::uint64_t{}), number(std::int64_t{}),
                Largest ? most<float> : -infinity<float>, Largest ? most<double> : nan<double>, letter, owned(text),
                owned(bytes), option, suit};
    }

public:
    std::vector<std::string> differences() &&
    {
        numbers();
        lists();
        compounds();
        records();
        return std::move(found);
    }
};

} // namespace

wit::vector<wit::string> exports::test::everything::check_cpp::Check()
{
    const auto found = ::Check{}.differences();
    return owned(std::vector<std::string_view>(found.begin(), found.end()));
}
