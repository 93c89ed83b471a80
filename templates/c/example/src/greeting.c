#include "greeting.h"

#include <stdlib.h>
#include <string.h>

char *greeting(const char *name, size_t name_length, size_t *length) {
    static const char before[] = "Hello, ", after[] = "!";
    size_t before_length = sizeof before - 1, after_length = sizeof after - 1;
    *length = before_length + name_length + after_length;
    char *text = malloc(*length);
    if (text == NULL) {
        abort();
    }
    memcpy(text, before, before_length);
    memcpy(text + before_length, name, name_length);
    memcpy(text + before_length + name_length, after, after_length);
    return text;
}
