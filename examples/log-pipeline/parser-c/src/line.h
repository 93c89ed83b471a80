// How a log line is read: `<time> <severity> <message>`. Knows nothing of components.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A part of a text. It may hold any byte, zero included, and does not end in one.
typedef struct {
    const char *start;
    size_t length;
} text_t;

typedef struct {
    uint64_t timestamp; // seconds since 1970-01-01T00:00:00Z
    const char *severity;
    text_t message;
} line_t;

// Why a line cannot be read: a sentence around the part of the line that it names.
typedef struct {
    const char *before;
    text_t part;
    const char *after;
} problem_t;

// Reads one line, or says what is wrong with it. Both point into `raw`.
bool read_line(text_t raw, line_t *line, problem_t *problem);

// Reads decimal Unix seconds or an RFC 3339 time, whose fraction of a second is dropped.
bool read_timestamp(text_t text, uint64_t *timestamp, problem_t *problem);
