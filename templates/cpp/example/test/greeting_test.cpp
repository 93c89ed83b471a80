#include "../src/greeting.hpp"

#include <cassert>

int main() {
    assert(greeting("Ada") == "Hello, Ada!");
}
