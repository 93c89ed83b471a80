// Implements `example:{{name}}/greeter`, see `wit/world.wit`.

#include "greeting.hpp"
#include "library_cpp.h"

wit::string exports::example::{{word}}::greeter::Greet(wit::string name) {
    return wit::string::from_view(greeting(name.get_view()));
}
