#include "line.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

// What of a text is not read yet.
typedef struct {
    const char *at;
    const char *end;
} cursor_t;

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

// Takes exactly `count` digits.
static bool take_number(cursor_t *cursor, int count, int *number)
{
    *number = 0;
    for (; count > 0; count--) {
        if (cursor->at == cursor->end || !is_digit(*cursor->at)) return false;
        *number = *number * 10 + (*cursor->at++ - '0');
    }
    return true;
}

// Takes one letter if it is one of two, which may be the same.
static bool take(cursor_t *cursor, char one, char other)
{
    if (cursor->at == cursor->end || (*cursor->at != one && *cursor->at != other)) return false;
    cursor->at++;
    return true;
}

static bool skip_fraction(cursor_t *cursor)
{
    if (!take(cursor, '.', '.')) return true;
    const char *start = cursor->at;
    while (cursor->at < cursor->end && is_digit(*cursor->at)) cursor->at++;
    return cursor->at > start;
}

// Takes `Z` or `+hh:mm`, in seconds.
static bool take_offset(cursor_t *cursor, int *offset)
{
    *offset = 0;
    if (take(cursor, 'Z', 'z')) return true;
    int hour, minute;
    int sign = take(cursor, '-', '-') ? -1 : 1;
    if (sign == 1 && !take(cursor, '+', '+')) return false;
    if (!take_number(cursor, 2, &hour) || !take(cursor, ':', ':')) return false;
    if (!take_number(cursor, 2, &minute) || hour > 23 || minute > 59) return false;
    *offset = sign * (hour * HOUR + minute * MINUTE);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leaps = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leaps ? 29 : DAYS[month - 1];
}

// The days since 1970-01-01, counted in years that begin in March; month 13 is January.
static int64_t days(int64_t year, int month, int day)
{
    // 400 years later all is the same, and no year is below zero.
    year += month <= 2 ? 399 : 400;
    month += month <= 2 ? 9 : -3;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719469 -
           146097;
}

// Seconds since 1970, below zero before it.
static bool read_rfc_3339(text_t text, int64_t *seconds)
{
    cursor_t cursor = {text.start, text.start + text.length};
    int year, month, day, hour, minute, second, offset;
    if (!take_number(&cursor, 4, &year) || !take(&cursor, '-', '-') ||
        !take_number(&cursor, 2, &month) || !take(&cursor, '-', '-') ||
        !take_number(&cursor, 2, &day) || !take(&cursor, 'T', 't') ||
        !take_number(&cursor, 2, &hour) || !take(&cursor, ':', ':') ||
        !take_number(&cursor, 2, &minute) || !take(&cursor, ':', ':') ||
        !take_number(&cursor, 2, &second) || !skip_fraction(&cursor) ||
        !take_offset(&cursor, &offset) || cursor.at != cursor.end)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
    if (hour > 23 || minute > 59 || second > 60) return false;
    int64_t start = days(year, month, day) * DAY + hour * HOUR + minute * MINUTE - offset;
    *seconds = start + second;
    if (second < 60) return true;
    // A leap second ends a month in UTC, and counts as the second before it.
    *seconds = start + 59;
    int64_t end = start + MINUTE;
    return end == days(year, month, 1) * DAY || end == days(year, month + 1, 1) * DAY;
}

static bool is_decimal(text_t text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.start[i])) return false;
    }
    return true;
}

static bool read_decimal(text_t text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint64_t digit = (uint64_t)(text.start[i] - '0');
        if (*number > (UINT64_MAX - digit) / 10) return false;
        *number = *number * 10 + digit;
    }
    return true;
}

bool read_timestamp(text_t text, uint64_t *timestamp, problem_t *problem)
{
    if (is_decimal(text)) {
        if (read_decimal(text, timestamp)) return true;
        *problem = (problem_t){"The time `", text, "` is too large: it must fit into 64 bits."};
        return false;
    }
    int64_t seconds;
    if (!read_rfc_3339(text, &seconds)) {
        *problem = (problem_t){
            "The time `", text, "` is neither decimal Unix seconds nor a valid RFC 3339 time."};
        return false;
    }
    if (seconds < 0) {
        *problem = (problem_t){"The time `", text, "` is before 1970-01-01T00:00:00Z."};
        return false;
    }
    *timestamp = (uint64_t)seconds;
    return true;
}
