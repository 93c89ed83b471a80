// Implements `cyber:systems/parser`: a raw line becomes time, severity and message.

#include "line.hpp"
#include "log_processor_cpp.h"

namespace parser = exports::cyber::systems::parser;

std::expected<parser::LogEntry, wit::string> parser::Parse(wit::string raw)
{
    const auto line = read_line(raw.get_view());
    if (!line) return std::unexpected(wit::string::from_view(line.error()));
    return LogEntry{
        line->timestamp,
        wit::string::from_view(line->severity),
        wit::string::from_view(line->message),
    };
}
