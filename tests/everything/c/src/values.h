// Values at the edges of their types.
#pragma once

#include "writer.h"

enum { SHAPE_COUNT = 5, CARD_COUNT = 1 + SHAPE_COUNT };

#define LETTERS "Größe 🦀"
#define LAST_CHAR 0x10ffff
#define ALL_RIGHTS 0x1ff

extern double F64S[9];
extern float F32S[9];
extern int64_t S64S[6];
extern uint64_t U64S[4];

// A string that ends in a zero, which is not part of it. It is not copied.
both_string_t text(const char *text);

// Texts that a language may treat in a way of its own.
both_list_string_t texts(void);

// Nothing of these has to be freed.
void make_shapes(shape_t shapes[SHAPE_COUNT]);
void make_cards(card_t cards[CARD_COUNT], const shape_t shapes[SHAPE_COUNT]);
