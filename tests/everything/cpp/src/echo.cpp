// Answers everything that it is given.

#include "both_cpp.h"

namespace exports::test::everything::echo {

bool EchoBool(bool value) { return value; }
std::uint8_t EchoU8(std::uint8_t value) { return value; }
std::int8_t EchoS8(std::int8_t value) { return value; }
std::uint16_t EchoU16(std::uint16_t value) { return value; }
std::int16_t EchoS16(std::int16_t value) { return value; }
std::uint32_t EchoU32(std::uint32_t value) { return value; }
std::int32_t EchoS32(std::int32_t value) { return value; }
std::uint64_t EchoU64(std::uint64_t value) { return value; }
std::int64_t EchoS64(std::int64_t value) { return value; }
float EchoF32(float value) { return value; }
double EchoF64(double value) { return value; }
std::uint32_t EchoChar(std::uint32_t value) { return value; }
wit::string EchoString(wit::string value) { return value; }
wit::vector<std::uint8_t> EchoBytes(wit::vector<std::uint8_t> value) { return value; }
wit::vector<wit::string> EchoStrings(wit::vector<wit::string> value) { return value; }
wit::vector<std::int64_t> EchoLongs(wit::vector<std::int64_t> value) { return value; }
wit::vector<double> EchoFloats(wit::vector<double> value) { return value; }
wit::vector<wit::vector<std::uint16_t>> EchoLists(wit::vector<wit::vector<std::uint16_t>> value) { return value; }
std::optional<wit::string> EchoOption(std::optional<wit::string> value) { return value; }
Suit EchoSuit(Suit value) { return value; }
Rights EchoRights(Rights value) { return value; }
Shape EchoShape(Shape value) { return value; }
Card EchoCard(Card value) { return value; }
wit::vector<Card> EchoCards(wit::vector<Card> value) { return value; }

std::optional<std::optional<std::uint32_t>> EchoNestedOption(std::optional<std::optional<std::uint32_t>> value)
{
    return value;
}

std::expected<std::uint64_t, wit::string> EchoResult(std::expected<std::uint64_t, wit::string> value)
{
    return value;
}

std::expected<void, wit::Void> EchoEmptyResult(std::expected<void, wit::Void> value)
{
    return value;
}

std::tuple<std::uint8_t, wit::string, double> EchoTuple(std::tuple<std::uint8_t, wit::string, double> value)
{
    return value;
}

Many EchoMany(bool a, std::uint8_t b, std::int8_t c, std::uint16_t d, std::int16_t e, std::uint32_t f,
              std::int32_t g, std::uint64_t h, std::int64_t i, float j, double k, std::uint32_t l,
              wit::string m, wit::vector<std::uint8_t> n, std::optional<std::uint64_t> o, Suit p)
{
    return Many{a, b, c, d, e, f, g, h, i, j, k, l, std::move(m), std::move(n), o, p};
}

} // namespace exports::test::everything::echo
