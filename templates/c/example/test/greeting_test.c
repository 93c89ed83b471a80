#include "../src/greeting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    size_t length;
    char *text = greeting("Ada", 3, &length);
    assert(length == strlen("Hello, Ada!"));
    assert(memcmp(text, "Hello, Ada!", length) == 0);
    free(text);
    return 0;
}
