// Makes the greeting. Does not depend on components.
#pragma once

#include <string>
#include <string_view>

// A greeting for somebody.
std::string greeting(std::string_view name);
