// Writes values down. Two are equal if they are written the same: that holds NaN equal to itself,
// and tells the two zeros apart.
#pragma once

#include "both.h"

// A text that grows.
typedef struct {
    char *start;
    size_t length;
    size_t capacity;
} writer_t;

typedef test_everything_echo_shape_t shape_t;
typedef test_everything_echo_card_t card_t;
typedef test_everything_echo_many_t many_t;

void write_text(writer_t *writer, const char *text, size_t length);
void write_signed(writer_t *writer, int64_t value);
void write_unsigned(writer_t *writer, uint64_t value);
void write_float(writer_t *writer, double value);
void write_string(writer_t *writer, both_string_t value);
void write_bytes(writer_t *writer, both_list_u8_t value);
void write_strings(writer_t *writer, both_list_string_t value);
void write_longs(writer_t *writer, both_list_s64_t value);
void write_floats(writer_t *writer, both_list_f64_t value);
void write_lists(writer_t *writer, both_list_list_u16_t value);
void write_shape(writer_t *writer, shape_t value);
void write_card(writer_t *writer, card_t value);
void write_cards(writer_t *writer, test_everything_echo_list_card_t value);
void write_many(writer_t *writer, many_t value);
