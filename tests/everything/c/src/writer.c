#include "writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void write_text(writer_t *writer, const char *text, size_t length)
{
    if (writer->length + length > writer->capacity) {
        writer->capacity = 2 * (writer->length + length);
        writer->start = realloc(writer->start, writer->capacity);
        if (writer->start == NULL) abort();
    }
    if (length > 0) memcpy(writer->start + writer->length, text, length);
    writer->length += length;
}

static void write_word(writer_t *writer, const char *word)
{
    write_text(writer, word, strlen(word));
}

void write_signed(writer_t *writer, int64_t value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRId64 ", ", value);
    write_word(writer, digits);
}

void write_unsigned(writer_t *writer, uint64_t value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64 ", ", value);
    write_word(writer, digits);
}

void write_float(writer_t *writer, double value)
{
    char digits[40];
    snprintf(digits, sizeof digits, "%.17g, ", value);
    // The sign of what is no number says nothing.
    write_word(writer, isnan(value) ? "NaN, " : digits);
}

void write_string(writer_t *writer, both_string_t value)
{
    write_word(writer, "\"");
    write_text(writer, (const char *)value.ptr, value.len);
    write_word(writer, "\", ");
}

#define WRITE_LIST(NAME, TYPE, WRITE_ELEMENT)                                                      \
    void NAME(writer_t *writer, TYPE value)                                                        \
    {                                                                                              \
        write_word(writer, "[");                                                                   \
        for (size_t i = 0; i < value.len; i++) WRITE_ELEMENT(writer, value.ptr[i]);                \
        write_word(writer, "], ");                                                                 \
    }

static void write_point(writer_t *writer, test_everything_echo_point_t value)
{
    write_float(writer, value.x);
    write_float(writer, value.y);
}

WRITE_LIST(write_bytes, both_list_u8_t, write_unsigned)
WRITE_LIST(write_strings, both_list_string_t, write_string)
WRITE_LIST(write_longs, both_list_s64_t, write_signed)
WRITE_LIST(write_floats, both_list_f64_t, write_float)
static WRITE_LIST(write_shorts, both_list_u16_t, write_unsigned)
WRITE_LIST(write_lists, both_list_list_u16_t, write_shorts)
static WRITE_LIST(write_points, test_everything_echo_list_point_t, write_point)
WRITE_LIST(write_cards, test_everything_echo_list_card_t, write_card)

void write_shape(writer_t *writer, shape_t value)
{
    write_unsigned(writer, value.tag);
    switch (value.tag) {
    case TEST_EVERYTHING_ECHO_SHAPE_CIRCLE: write_float(writer, value.val.circle); break;
    case TEST_EVERYTHING_ECHO_SHAPE_POLYGON: write_points(writer, value.val.polygon); break;
    case TEST_EVERYTHING_ECHO_SHAPE_LABEL: write_string(writer, value.val.label); break;
    }
}

void write_card(writer_t *writer, card_t value)
{
    write_string(writer, value.name);
    write_unsigned(writer, value.id);
    write_signed(writer, value.balance);
    if (value.note.is_some) write_string(writer, value.note.val);
    write_strings(writer, value.tags);
    write_unsigned(writer, value.rights);
    write_unsigned(writer, value.suit);
    write_shape(writer, value.shape);
}

void write_many(writer_t *writer, many_t value)
{
    write_unsigned(writer, value.a);
    write_unsigned(writer, value.b);
    write_signed(writer, value.c);
    write_unsigned(writer, value.d);
    write_signed(writer, value.e);
    write_unsigned(writer, value.f);
    write_signed(writer, value.g);
    write_unsigned(writer, value.h);
    write_signed(writer, value.i);
    write_float(writer, value.j);
    write_float(writer, value.k);
    write_unsigned(writer, value.l);
    write_string(writer, value.m);
    write_bytes(writer, value.n);
    if (value.o.is_some) write_unsigned(writer, value.o.val);
    write_unsigned(writer, value.p);
}
