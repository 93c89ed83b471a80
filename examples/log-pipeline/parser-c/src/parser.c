// Implements `cyber:systems/parser`: a raw line becomes time, severity and message.

#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log_processor.h"

static log_processor_string_t sentence(problem_t problem)
{
    size_t before = strlen(problem.before), after = strlen(problem.after);
    log_processor_string_t text = {NULL, before + problem.part.length + after};
    text.ptr = malloc(text.len);
    // Out of memory: the instance ends, and takes the request with it.
    if (text.ptr == NULL) abort();
    memcpy(text.ptr, problem.before, before);
    if (problem.part.length > 0) memcpy(text.ptr + before, problem.part.start, problem.part.length);
    memcpy(text.ptr + before + problem.part.length, problem.after, after);
    return text;
}

bool exports_cyber_systems_parser_parse(log_processor_string_t *raw,
                                        exports_cyber_systems_parser_log_entry_t *entry,
                                        log_processor_string_t *error)
{
    line_t line;
    problem_t problem;
    bool is_read = read_line((text_t){(const char *)raw->ptr, raw->len}, &line, &problem);
    if (is_read) {
        entry->timestamp = line.timestamp;
        log_processor_string_dup(&entry->severity, line.severity);
        log_processor_string_dup_n(&entry->message, line.message.start, line.message.length);
    } else {
        *error = sentence(problem);
    }
    log_processor_string_free(raw);
    return is_read;
}
