// Package export_test_everything_check_go calls the imported echo with values at the edges of
// every type.
package export_test_everything_check_go

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	. "everything/test_everything_echo"

	. "go.bytecodealliance.org/pkg/wit/types"
)

const text = "Größe 🦀"

// Texts that a language may treat in a way of its own: none at all, a zero inside, more than one
// byte or one unit of UTF-16 for a letter, the last character of all, and a long one.
var texts = []string{
	"", "plain", "a\x00b", "Größe", "大きさ", "🦀 crab", "e\u0301", "\ufeffx", "\U0010ffff",
	strings.Repeat("ä🦀", 4_000),
}

var f64s = []float64{
	0, math.Copysign(0, -1), 0.1, math.MaxFloat64, 0x1p-1022, math.SmallestNonzeroFloat64,
	math.Inf(1), math.Inf(-1), math.NaN(),
}

var f32s = []float32{
	0, float32(math.Copysign(0, -1)), 0.1, math.MaxFloat32, 0x1p-126, math.SmallestNonzeroFloat32,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
}

// The last one that a float holds exactly is 2^53; one more is where it goes wrong.
var s64s = []int64{0, -1, math.MinInt64, math.MaxInt64, 1<<53 + 1, -1<<53 - 1}

var u64s = []uint64{0, 1<<53 + 1, 1 << 63, math.MaxUint64}

type tuple = Tuple3[uint8, string, float64]

const noRights, allRights = Rights(0), Rights(1<<9 - 1)

var least = Many{
	C: math.MinInt8, E: math.MinInt16, G: math.MinInt32, I: math.MinInt64,
	J: float32(math.Inf(-1)), K: math.NaN(), N: []uint8{}, O: None[uint64](), P: SuitClubs,
}

var most = Many{
	true, math.MaxUint8, math.MaxInt8, math.MaxUint16, math.MaxInt16, math.MaxUint32, math.MaxInt32,
	math.MaxUint64, math.MaxInt64, math.MaxFloat32, math.MaxFloat64, '\U0010ffff', text,
	[]uint8{0, 255}, Some[uint64](math.MaxUint64), SuitSpades,
}

func shapes() []Shape {
	points := make([]Point, len(f64s))
	for i, x := range f64s {
		points[i] = Point{x, -x}
	}
	return []Shape{
		MakeShapeNothing(),
		MakeShapeCircle(math.Inf(-1)),
		MakeShapePolygon([]Point{}),
		MakeShapePolygon(points),
		MakeShapeLabel(text),
	}
}

func cards() []Card {
	cards := []Card{{Note: None[string](), Tags: []string{}, Rights: noRights, Suit: SuitClubs, Shape: MakeShapeNothing()}}
	for _, shape := range shapes() {
		cards = append(cards, Card{
			text, math.MaxUint64, math.MinInt64, Some(""), texts, allRights, SuitSpades, shape,
		})
	}
	return cards
}

// Check gives what came back as another value than it went.
func Check() []string {
	found := []string{}
	numbers(&found)
	lists(&found)
	compounds(&found)
	return found
}

// each asks for every value. They are compared by how they are written: that holds NaN equal to
// itself, and tells the two zeros apart.
func each[T any](found *[]string, function string, echo func(T) T, values ...T) {
	for _, value := range values {
		given, answer := fmt.Sprintf("%+v", value), fmt.Sprintf("%+v", echo(value))
		if given != answer {
			*found = append(*found, fmt.Sprintf("%s: gave %.200s, got %.200s", function, given, answer))
		}
	}
}

func numbers(found *[]string) {
	each(found, "echo-bool", EchoBool, false, true)
	each(found, "echo-u8", EchoU8, 0, 1, math.MaxUint8)
	each(found, "echo-s8", EchoS8, 0, -1, math.MinInt8, math.MaxInt8)
	each(found, "echo-u16", EchoU16, 0, math.MaxUint16)
	each(found, "echo-s16", EchoS16, -1, math.MinInt16, math.MaxInt16)
	each(found, "echo-u32", EchoU32, 0, 1<<31, math.MaxUint32)
	each(found, "echo-s32", EchoS32, -1, math.MinInt32, math.MaxInt32)
	each(found, "echo-u64", EchoU64, u64s...)
	each(found, "echo-s64", EchoS64, s64s...)
	each(found, "echo-f32", EchoF32, f32s...)
	each(found, "echo-f64", EchoF64, f64s...)
	each(found, "echo-char", EchoChar, 0, 'a', 'ß', '大', '🦀', '\U0010ffff')
}

func lists(found *[]string) {
	each(found, "echo-string", EchoString, texts...)
	million := make([]uint8, 1_000_000)
	for i := range million {
		million[i] = uint8(i % 251)
	}
	for _, value := range [][]uint8{{}, {0, 255}, million} {
		if answer := EchoBytes(value); !bytes.Equal(value, answer) {
			*found = append(*found, fmt.Sprintf("echo-bytes: gave %d bytes, got %d others", len(value), len(answer)))
		}
	}
	each(found, "echo-strings", EchoStrings, []string{}, texts)
	each(found, "echo-longs", EchoLongs, []int64{}, s64s)
	each(found, "echo-floats", EchoFloats, []float64{}, f64s)
	each(found, "echo-lists", EchoLists, [][]uint16{}, [][]uint16{{}}, [][]uint16{{0, math.MaxUint16}, {}, {7}})
}

func compounds(found *[]string) {
	each(found, "echo-option", EchoOption, None[string](), Some(""), Some(text))
	each(found, "echo-nested-option", EchoNestedOption,
		None[Option[uint32]](), Some(None[uint32]()), Some(Some[uint32](0)), Some(Some[uint32](math.MaxUint32)))
	each(found, "echo-result", EchoResult,
		Ok[uint64, string](math.MaxUint64), Ok[uint64, string](0), Err[uint64](""), Err[uint64](text))
	each(found, "echo-empty-result", EchoEmptyResult, Ok[Unit, Unit](Unit{}), Err[Unit](Unit{}))
	each(found, "echo-tuple", func(value tuple) tuple {
		a, b, c := EchoTuple(value)
		return tuple{F0: a, F1: b, F2: c}
	}, tuple{F0: 0, F1: "", F2: math.NaN()}, tuple{F0: 255, F1: text, F2: math.Copysign(0, -1)})
	each(found, "echo-suit", EchoSuit, SuitClubs, SuitDiamonds, SuitHearts, SuitSpades)
	each(found, "echo-rights", EchoRights,
		noRights, RightsRead, RightsGrant, RightsWrite|RightsAudit, allRights)
	each(found, "echo-shape", EchoShape, shapes()...)
	each(found, "echo-card", EchoCard, cards()...)
	each(found, "echo-cards", EchoCards, []Card{}, cards())
	each(found, "echo-many", func(v Many) Many {
		return EchoMany(v.A, v.B, v.C, v.D, v.E, v.F, v.G, v.H, v.I, v.J, v.K, v.L, v.M, v.N, v.O, v.P)
	}, least, most)
}
