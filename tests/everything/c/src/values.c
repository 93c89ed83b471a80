#include "values.h"

#include <float.h>
#include <math.h>
#include <string.h>

double F64S[9] = {0, -0.0, 0.1, DBL_MAX, DBL_MIN, DBL_TRUE_MIN, INFINITY, -INFINITY, NAN};
float F32S[9] = {0, -0.0f, 0.1f, FLT_MAX, FLT_MIN, FLT_TRUE_MIN, INFINITY, -INFINITY, NAN};

// The last one that a float holds exactly is 2^53; one more is where it goes wrong.
int64_t S64S[6] = {0, -1, INT64_MIN, INT64_MAX, 9007199254740993, -9007199254740993};
uint64_t U64S[4] = {0, 9007199254740993, (uint64_t)1 << 63, UINT64_MAX};

both_string_t text(const char *text)
{
    return (both_string_t){(uint8_t *)text, strlen(text)};
}

both_list_string_t texts(void)
{
    // None at all, a zero inside, more than one byte or one unit of UTF-16 for a letter, the last
    // character of all, and a long one.
    static both_string_t all[10];
    static const char *const words[] = {"", "plain", "Größe", "大きさ", "🦀 crab", "e\u0301", "\ufeffx", "\U0010ffff"};
    static const char piece[] = "ä🦀";
    static char long_text[4000 * (sizeof piece - 1)];
    for (size_t i = 0; i < 8; i++) all[i] = text(words[i]);
    for (size_t i = 0; i < sizeof long_text; i++) long_text[i] = piece[i % (sizeof piece - 1)];
    all[8] = (both_string_t){(uint8_t *)"a\0b", 3};
    all[9] = (both_string_t){(uint8_t *)long_text, sizeof long_text};
    return (both_list_string_t){all, 10};
}

void make_shapes(shape_t shapes[SHAPE_COUNT])
{
    static test_everything_echo_point_t points[9];
    for (size_t i = 0; i < 9; i++) points[i] = (test_everything_echo_point_t){F64S[i], -F64S[i]};
    shapes[0] = (shape_t){.tag = TEST_EVERYTHING_ECHO_SHAPE_NOTHING};
    shapes[1] = (shape_t){TEST_EVERYTHING_ECHO_SHAPE_CIRCLE, {.circle = -INFINITY}};
    shapes[2] = (shape_t){TEST_EVERYTHING_ECHO_SHAPE_POLYGON, {.polygon = {NULL, 0}}};
    shapes[3] = (shape_t){TEST_EVERYTHING_ECHO_SHAPE_POLYGON, {.polygon = {points, 9}}};
    shapes[4] = (shape_t){TEST_EVERYTHING_ECHO_SHAPE_LABEL, {.label = text(LETTERS)}};
}

void make_cards(card_t cards[CARD_COUNT], const shape_t shapes[SHAPE_COUNT])
{
    cards[0] = (card_t){.name = text(""), .shape = {.tag = TEST_EVERYTHING_ECHO_SHAPE_NOTHING}};
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        cards[1 + i] = (card_t){
            .name = text(LETTERS),
            .id = UINT64_MAX,
            .balance = INT64_MIN,
            .note = {true, text("")},
            .tags = texts(),
            .rights = ALL_RIGHTS,
            .suit = TEST_EVERYTHING_ECHO_SUIT_SPADES,
            .shape = shapes[i],
        };
    }
}
