#include "line.h"

#include <string.h>

static const char *const SEVERITIES[] = {
    "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL",
};

#define SEVERITY_COUNT (sizeof SEVERITIES / sizeof *SEVERITIES)

// White space is ASCII's: other spaces belong to the words that they stand in.
static bool is_white(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\f' || letter == '\r';
}

static text_t trim_start(text_t text)
{
    while (text.length > 0 && is_white(text.start[0])) {
        text.start++;
        text.length--;
    }
    return text;
}

static text_t trim_end(text_t text)
{
    while (text.length > 0 && is_white(text.start[text.length - 1])) text.length--;
    return text;
}

// Takes the first word off `text`, and the white space after it.
static text_t take_word(text_t *text)
{
    text_t word = {text->start, 0};
    while (word.length < text->length && !is_white(word.start[word.length])) word.length++;
    text->start += word.length;
    text->length -= word.length;
    *text = trim_start(*text);
    return word;
}

static char upper(char letter)
{
    return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

static bool is_severity(text_t text, const char *known)
{
    if (text.length != strlen(known)) return false;
    for (size_t i = 0; i < text.length; i++) {
        if (upper(text.start[i]) != known[i]) return false;
    }
    return true;
}

static bool read_severity(text_t text, const char **severity, problem_t *problem)
{
    for (size_t i = 0; i < SEVERITY_COUNT; i++) {
        if (is_severity(text, SEVERITIES[i])) {
            *severity = SEVERITIES[i];
            return true;
        }
    }
    *problem = (problem_t){
        "The severity `", text,
        "` is unknown: use one of "
        "TRACE, DEBUG, INFO, NOTICE, WARN, WARNING, ERROR, CRITICAL, FATAL."};
    return false;
}

bool read_line(text_t raw, line_t *line, problem_t *problem)
{
    text_t rest = trim_end(trim_start(raw));
    text_t time = take_word(&rest);
    text_t severity = take_word(&rest);
    if (rest.length == 0) {
        *problem = (problem_t){"Malformed log entry", {NULL, 0}, ""};
        return false;
    }
    line->message = rest;
    return read_timestamp(time, &line->timestamp, problem) &&
           read_severity(severity, &line->severity, problem);
}
