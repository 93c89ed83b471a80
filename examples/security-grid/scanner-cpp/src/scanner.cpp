// Implements `cyber:systems/scanner`: looks for signatures of attacks in any bytes.

#include "security_grid_cpp.h"
#include "signature.hpp"

namespace scanner = exports::cyber::systems::scanner;

std::expected<scanner::ScanResult, wit::string> scanner::Scan(wit::vector<std::uint8_t> payload)
{
    if (payload.empty()) {
        return std::unexpected(wit::string::from_view("There is nothing to scan: the payload is empty."));
    }
    const auto *signature = worst(payload.get_const_view());
    if (signature == nullptr) return ScanResult{0, wit::string::from_view("")};
    return ScanResult{signature->level, wit::string::from_view(signature->name)};
}
