// Makes the greeting. Does not depend on components.
#pragma once

#include <stddef.h>

// Writes a greeting for a name into memory that the caller frees, and its length to `length`.
char *greeting(const char *name, size_t name_length, size_t *length);
