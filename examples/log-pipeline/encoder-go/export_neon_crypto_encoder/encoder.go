// Package export_neon_crypto_encoder implements `neon:crypto/encoder` with the fictional cipher. It
// hides nothing from anybody.
package export_neon_crypto_encoder

import (
	"strings"
	"unicode/utf8"
)

func Encode(input string) string {
	return strings.Map(shift, input)
}

// shift gives the next Unicode scalar value. The surrogates are no characters, so U+D7FF is
// followed by U+E000, and the last one of all, U+10FFFF, by U+0000: the cipher stays reversible.
func shift(letter rune) rune {
	if letter == utf8.MaxRune {
		return 0
	}
	if utf8.ValidRune(letter + 1) {
		return letter + 1
	}
	return '\uE000'
}
