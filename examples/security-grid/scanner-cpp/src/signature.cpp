#include "signature.hpp"

#include <algorithm>
#include <array>

namespace {

using namespace std::string_view_literals;

// The worst first: of those that are found, the first one counts.
constexpr std::array signatures{
    Signature{10, "eicar-test-file"sv, Place::anywhere, R"(X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR)"sv},
    Signature{10, "shellshock"sv, Place::anywhere, "() { :;};"sv},
    Signature{10, "log4shell"sv, Place::anywhere, "${jndi:"sv},
    Signature{9, "php-web-shell"sv, Place::anywhere, "eval(base64_decode("sv},
    Signature{9, "nop-sled"sv, Place::anywhere, "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90"sv},
    Signature{8, "private-key"sv, Place::anywhere, "PRIVATE KEY-----"sv},
    Signature{7, "elf-program"sv, Place::start, "\x7F" "ELF"sv},
    Signature{7, "windows-program"sv, Place::start, "MZ"sv},
    Signature{6, "sql-injection"sv, Place::anywhere, "' or '1'='1"sv},
    Signature{6, "sql-injection"sv, Place::anywhere, " union select "sv},
    Signature{5, "script-injection"sv, Place::anywhere, "<script"sv},
    Signature{4, "path-traversal"sv, Place::anywhere, "../../"sv},
};

constexpr std::uint8_t lower(std::uint8_t letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

bool is_same(std::uint8_t one, char other)
{
    return lower(one) == lower(static_cast<std::uint8_t>(other));
}

bool is_in(const Signature &signature, std::span<const std::uint8_t> payload)
{
    if (signature.place == Place::start) {
        payload = payload.first(std::min(payload.size(), signature.bytes.size()));
    }
    return !std::ranges::search(payload, signature.bytes, is_same).empty();
}

} // namespace

const Signature *worst(std::span<const std::uint8_t> payload)
{
    const auto found = std::ranges::find_if(signatures, [&](const auto &one) { return is_in(one, payload); });
    return found == signatures.end() ? nullptr : &*found;
}
