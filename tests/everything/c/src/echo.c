// Answers everything that it is given. What an argument points to is handed on to the answer.

#include "both.h"

#define SAME(NAME, TYPE)                                                                           \
    TYPE exports_test_everything_echo_echo_##NAME(TYPE value)                                      \
    {                                                                                              \
        return value;                                                                              \
    }

#define MOVED(NAME, TYPE)                                                                          \
    void exports_test_everything_echo_echo_##NAME(TYPE *value, TYPE *answer)                       \
    {                                                                                              \
        *answer = *value;                                                                          \
    }

SAME(bool, bool)
SAME(u8, uint8_t)
SAME(s8, int8_t)
SAME(u16, uint16_t)
SAME(s16, int16_t)
SAME(u32, uint32_t)
SAME(s32, int32_t)
SAME(u64, uint64_t)
SAME(s64, int64_t)
SAME(f32, float)
SAME(f64, double)
SAME(char, uint32_t)
SAME(suit, exports_test_everything_echo_suit_t)
SAME(rights, exports_test_everything_echo_rights_t)

MOVED(string, both_string_t)
MOVED(bytes, both_list_u8_t)
MOVED(strings, both_list_string_t)
MOVED(longs, both_list_s64_t)
MOVED(floats, both_list_f64_t)
MOVED(lists, both_list_list_u16_t)
MOVED(tuple, both_tuple3_u8_string_f64_t)
MOVED(shape, exports_test_everything_echo_shape_t)
MOVED(card, exports_test_everything_echo_card_t)
MOVED(cards, exports_test_everything_echo_list_card_t)

bool exports_test_everything_echo_echo_option(both_string_t *value, both_string_t *answer)
{
    if (value != NULL) *answer = *value;
    return value != NULL;
}

bool exports_test_everything_echo_echo_nested_option(both_option_u32_t *value,
                                                     both_option_u32_t *answer)
{
    if (value != NULL) *answer = *value;
    return value != NULL;
}

bool exports_test_everything_echo_echo_result(
    exports_test_everything_echo_result_u64_string_t *value, uint64_t *answer, both_string_t *error)
{
    if (value->is_err) *error = value->val.err;
    else *answer = value->val.ok;
    return !value->is_err;
}

bool exports_test_everything_echo_echo_empty_result(
    exports_test_everything_echo_result_void_void_t *value)
{
    return !value->is_err;
}

void exports_test_everything_echo_echo_many(
    bool a, uint8_t b, int8_t c, uint16_t d, int16_t e, uint32_t f, int32_t g, uint64_t h,
    int64_t i, float j, double k, uint32_t l, both_string_t *m, both_list_u8_t *n, uint64_t *o,
    exports_test_everything_echo_suit_t p, exports_test_everything_echo_many_t *answer)
{
    both_option_u64_t option = {o != NULL, o != NULL ? *o : 0};
    *answer = (exports_test_everything_echo_many_t){a, b, c, d, e, f,  g,  h,
                                                    i, j, k, l, *m, *n, option, p};
}
