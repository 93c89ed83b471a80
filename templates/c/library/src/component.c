// Implements `example:{{name}}/greeter`, see `wit/world.wit`.

#include "greeting.h"
#include "library.h"

void exports_example_{{snake}}_greeter_greet(library_string_t *name, library_string_t *ret) {
    ret->ptr = (uint8_t *)greeting((const char *)name->ptr, name->len, &ret->len);
    library_string_free(name);
}
