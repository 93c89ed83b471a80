// Greets whoever is named on the command line.

#include <cstdio>

#include "command_cpp.h"
#include "greeting.hpp"

std::expected<void, wit::Void> exports::wasi::cli::run::Run() {
    const auto arguments = ::wasi::cli::environment::GetArguments();
    const auto name = arguments.size() > 1 ? arguments[1].get_view() : std::string_view("world");
    std::puts(greeting(name).c_str());
    // A component does not exit like a program: write out what is buffered.
    if (std::fflush(stdout) != 0) {
        return std::unexpected(wit::Void{});
    }
    return {};
}
