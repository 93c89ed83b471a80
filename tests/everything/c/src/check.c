// Calls the imported echo with values at the edges of every type.

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"
#include "writer.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

// What came back as another value than it went.
static both_list_string_t found;

// Writes no more than the beginning of a long text.
static void write_beginning(writer_t *line, writer_t text)
{
    size_t length = text.length < 200 ? text.length : 200;
    // The bytes of a letter stay together.
    while (length > 0 && length < text.length && (text.start[length] & 0xc0) == 0x80) length--;
    write_text(line, text.start, length);
}

// Takes both texts.
static void compare(const char *function, writer_t given, writer_t answer)
{
    bool is_same =
        given.length == answer.length && memcmp(given.start, answer.start, given.length) == 0;
    if (!is_same) {
        writer_t line = {0};
        write_text(&line, function, strlen(function));
        write_text(&line, ": gave ", 7);
        write_beginning(&line, given);
        write_text(&line, " got ", 5);
        write_beginning(&line, answer);
        found.ptr = realloc(found.ptr, (found.len + 1) * sizeof *found.ptr);
        if (found.ptr == NULL) abort();
        found.ptr[found.len++] = (both_string_t){(uint8_t *)line.start, line.length};
    }
    free(given.start);
    free(answer.start);
}

#define ECHO(NAME) test_everything_echo_echo_##NAME

// Asks for each value of an array, and compares the answers.
#define EACH(FUNCTION, NAME, TYPE, WRITE, VALUES)                                                  \
    for (size_t i = 0; i < COUNT(VALUES); i++) {                                                   \
        writer_t given = {0}, answered = {0};                                                      \
        TYPE answer = test_everything_echo_echo_##NAME((TYPE)(VALUES)[i]);                         \
        WRITE(&given, (TYPE)(VALUES)[i]);                                                          \
        WRITE(&answered, answer);                                                                  \
        compare(FUNCTION, given, answered);                                                        \
    }

// The same for answers that have to be freed.
#define EACH_OWNED(FUNCTION, NAME, TYPE, WRITE, FREE, VALUES)                                      \
    for (size_t i = 0; i < COUNT(VALUES); i++) {                                                   \
        writer_t given = {0}, answered = {0};                                                      \
        TYPE value = (VALUES)[i], answer;                                                          \
        test_everything_echo_echo_##NAME(&value, &answer);                                         \
        WRITE(&given, value);                                                                      \
        WRITE(&answered, answer);                                                                  \
        FREE(&answer);                                                                             \
        compare(FUNCTION, given, answered);                                                        \
    }

static void check_integers(void)
{
    static const bool bools[] = {false, true};
    static const int64_t small[] = {0, 1, -1, INT8_MIN, INT8_MAX, INT16_MIN, INT16_MAX, INT32_MIN, INT32_MAX};
    EACH("echo-bool", bool, bool, write_unsigned, bools)
    EACH("echo-u8", u8, uint8_t, write_unsigned, small)
    EACH("echo-s8", s8, int8_t, write_signed, small)
    EACH("echo-u16", u16, uint16_t, write_unsigned, small)
    EACH("echo-s16", s16, int16_t, write_signed, small)
    EACH("echo-u32", u32, uint32_t, write_unsigned, small)
    EACH("echo-s32", s32, int32_t, write_signed, small)
    EACH("echo-u64", u64, uint64_t, write_unsigned, U64S)
    EACH("echo-s64", s64, int64_t, write_signed, S64S)
}

static void check_scalars(void)
{
    static const uint32_t letters[] = {0, 'a', 0xdf, 0x5927, 0x1f980, LAST_CHAR};
    static const uint8_t suits[] = {
        TEST_EVERYTHING_ECHO_SUIT_CLUBS, TEST_EVERYTHING_ECHO_SUIT_DIAMONDS,
        TEST_EVERYTHING_ECHO_SUIT_HEARTS, TEST_EVERYTHING_ECHO_SUIT_SPADES};
    static const uint16_t rights[] = {
        0, TEST_EVERYTHING_ECHO_RIGHTS_READ, TEST_EVERYTHING_ECHO_RIGHTS_GRANT,
        TEST_EVERYTHING_ECHO_RIGHTS_WRITE | TEST_EVERYTHING_ECHO_RIGHTS_AUDIT, ALL_RIGHTS};
    EACH("echo-f32", f32, float, write_float, F32S)
    EACH("echo-f64", f64, double, write_float, F64S)
    EACH("echo-char", char, uint32_t, write_unsigned, letters)
    EACH("echo-suit", suit, uint8_t, write_unsigned, suits)
    EACH("echo-rights", rights, uint16_t, write_unsigned, rights)
}

static void check_lists(void)
{
    static uint8_t million[1000000];
    for (size_t i = 0; i < sizeof million; i++) million[i] = i % 251;
    both_list_string_t all_texts = texts();
    both_list_u8_t bytes[] = {{NULL, 0}, {(uint8_t[]){0, 255}, 2}, {million, sizeof million}};
    both_list_string_t strings[] = {{NULL, 0}, all_texts};
    both_list_s64_t longs[] = {{NULL, 0}, {S64S, COUNT(S64S)}};
    both_list_f64_t floats[] = {{NULL, 0}, {F64S, COUNT(F64S)}};
    both_list_u16_t inner[] = {{(uint16_t[]){0, UINT16_MAX}, 2}, {NULL, 0}, {(uint16_t[]){7}, 1}};
    both_list_list_u16_t lists[] = {{NULL, 0}, {inner + 1, 1}, {inner, COUNT(inner)}};
    for (size_t each = 0; each < all_texts.len; each++) {
        both_string_t one[] = {all_texts.ptr[each]};
        EACH_OWNED("echo-string", string, both_string_t, write_string, both_string_free, one)
    }
    EACH_OWNED("echo-bytes", bytes, both_list_u8_t, write_bytes, both_list_u8_free, bytes)
    EACH_OWNED("echo-strings", strings, both_list_string_t, write_strings, both_list_string_free, strings)
    EACH_OWNED("echo-longs", longs, both_list_s64_t, write_longs, both_list_s64_free, longs)
    EACH_OWNED("echo-floats", floats, both_list_f64_t, write_floats, both_list_f64_free, floats)
    EACH_OWNED("echo-lists", lists, both_list_list_u16_t, write_lists, both_list_list_u16_free, lists)
}

static void check_option(both_string_t *value)
{
    writer_t given = {0}, answered = {0};
    both_string_t answer;
    if (value != NULL) write_string(&given, *value);
    if (ECHO(option)(value, &answer)) {
        write_string(&answered, answer);
        both_string_free(&answer);
    }
    compare("echo-option", given, answered);
}

static void write_option(writer_t *writer, bool is_some, both_option_u32_t value)
{
    write_unsigned(writer, is_some);
    if (is_some) write_unsigned(writer, value.is_some);
    if (is_some && value.is_some) write_unsigned(writer, value.val);
}

static void check_nested_option(both_option_u32_t *value)
{
    writer_t given = {0}, answered = {0};
    both_option_u32_t answer = {0};
    bool is_some = ECHO(nested_option)(value, &answer);
    write_option(&given, value != NULL, value != NULL ? *value : answer);
    write_option(&answered, is_some, answer);
    compare("echo-nested-option", given, answered);
}

static void check_result(test_everything_echo_result_u64_string_t value)
{
    writer_t given = {0}, answered = {0};
    uint64_t answer;
    both_string_t error;
    if (value.is_err) write_string(&given, value.val.err);
    else write_unsigned(&given, value.val.ok);
    if (ECHO(result)(&value, &answer, &error)) {
        write_unsigned(&answered, answer);
    } else {
        write_string(&answered, error);
        both_string_free(&error);
    }
    compare("echo-result", given, answered);
}

static void check_empty_result(bool is_err)
{
    writer_t given = {0}, answered = {0};
    test_everything_echo_result_void_void_t value = {is_err};
    write_unsigned(&given, !is_err);
    write_unsigned(&answered, ECHO(empty_result)(&value));
    compare("echo-empty-result", given, answered);
}

static void write_tuple(writer_t *writer, both_tuple3_u8_string_f64_t value)
{
    write_unsigned(writer, value.f0);
    write_string(writer, value.f1);
    write_float(writer, value.f2);
}

static void check_compounds(void)
{
    both_string_t empty = text(""), letters = text(LETTERS);
    check_option(NULL);
    check_option(&empty);
    check_option(&letters);
    check_nested_option(NULL);
    check_nested_option(&(both_option_u32_t){false, 0});
    check_nested_option(&(both_option_u32_t){true, 0});
    check_nested_option(&(both_option_u32_t){true, UINT32_MAX});
    check_result((test_everything_echo_result_u64_string_t){false, {.ok = UINT64_MAX}});
    check_result((test_everything_echo_result_u64_string_t){false, {.ok = 0}});
    check_result((test_everything_echo_result_u64_string_t){true, {.err = empty}});
    check_result((test_everything_echo_result_u64_string_t){true, {.err = letters}});
    check_empty_result(false);
    check_empty_result(true);
    both_tuple3_u8_string_f64_t tuples[] = {{0, empty, NAN}, {255, letters, -0.0}};
    EACH_OWNED("echo-tuple", tuple, both_tuple3_u8_string_f64_t, write_tuple, both_tuple3_u8_string_f64_free, tuples)
}

static void check_many(many_t value)
{
    writer_t given = {0}, answered = {0};
    many_t answer;
    uint64_t *option = value.o.is_some ? &value.o.val : NULL;
    ECHO(many)(value.a, value.b, value.c, value.d, value.e, value.f, value.g, value.h, value.i, value.j,
               value.k, value.l, &value.m, &value.n, option, value.p, &answer);
    write_many(&given, value);
    write_many(&answered, answer);
    test_everything_echo_many_free(&answer);
    compare("echo-many", given, answered);
}

static void check_records(void)
{
    shape_t shapes[SHAPE_COUNT];
    card_t cards[CARD_COUNT];
    make_shapes(shapes);
    make_cards(cards, shapes);
    test_everything_echo_list_card_t lists[] = {{NULL, 0}, {cards, COUNT(cards)}};
    EACH_OWNED("echo-shape", shape, shape_t, write_shape, test_everything_echo_shape_free, shapes)
    EACH_OWNED("echo-card", card, card_t, write_card, test_everything_echo_card_free, cards)
    EACH_OWNED("echo-cards", cards, test_everything_echo_list_card_t, write_cards,
               test_everything_echo_list_card_free, lists)
    check_many((many_t){false, 0, INT8_MIN, 0, INT16_MIN, 0, INT32_MIN, 0, INT64_MIN, -INFINITY, NAN, 0,
                        text(""), {NULL, 0}, {false, 0}, TEST_EVERYTHING_ECHO_SUIT_CLUBS});
    check_many((many_t){true, UINT8_MAX, INT8_MAX, UINT16_MAX, INT16_MAX, UINT32_MAX, INT32_MAX, UINT64_MAX,
                        INT64_MAX, FLT_MAX, DBL_MAX, LAST_CHAR, text(LETTERS), {(uint8_t[]){0, 255}, 2},
                        {true, UINT64_MAX}, TEST_EVERYTHING_ECHO_SUIT_SPADES});
}

void exports_test_everything_check_c_check(both_list_string_t *differences)
{
    found = (both_list_string_t){NULL, 0};
    check_integers();
    check_scalars();
    check_lists();
    check_compounds();
    check_records();
    *differences = found;
}
