// What is said. Knows nothing of components.
#pragma once

#include <stddef.h>

// Writes a greeting for somebody into memory that the caller frees, and its length to `length`.
char *greeting(const char *name, size_t name_length, size_t *length);
