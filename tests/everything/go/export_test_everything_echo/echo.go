// Package export_test_everything_echo answers everything that it is given.
package export_test_everything_echo

import (
	echo "everything/test_everything_echo"

	. "go.bytecodealliance.org/pkg/wit/types"
)

func EchoBool(value bool) bool                       { return value }
func EchoU8(value uint8) uint8                       { return value }
func EchoS8(value int8) int8                         { return value }
func EchoU16(value uint16) uint16                    { return value }
func EchoS16(value int16) int16                      { return value }
func EchoU32(value uint32) uint32                    { return value }
func EchoS32(value int32) int32                      { return value }
func EchoU64(value uint64) uint64                    { return value }
func EchoS64(value int64) int64                      { return value }
func EchoF32(value float32) float32                  { return value }
func EchoF64(value float64) float64                  { return value }
func EchoChar(value rune) rune                       { return value }
func EchoString(value string) string                 { return value }
func EchoBytes(value []uint8) []uint8                { return value }
func EchoStrings(value []string) []string            { return value }
func EchoLongs(value []int64) []int64                { return value }
func EchoFloats(value []float64) []float64           { return value }
func EchoLists(value [][]uint16) [][]uint16          { return value }
func EchoOption(value Option[string]) Option[string] { return value }
func EchoSuit(value echo.Suit) echo.Suit             { return value }
func EchoRights(value echo.Rights) echo.Rights       { return value }
func EchoShape(value echo.Shape) echo.Shape          { return value }
func EchoCard(value echo.Card) echo.Card             { return value }
func EchoCards(value []echo.Card) []echo.Card        { return value }

func EchoNestedOption(value Option[Option[uint32]]) Option[Option[uint32]] {
	return value
}

func EchoResult(value Result[uint64, string]) Result[uint64, string] {
	return value
}

func EchoEmptyResult(value Result[Unit, Unit]) Result[Unit, Unit] {
	return value
}

func EchoTuple(value Tuple3[uint8, string, float64]) (uint8, string, float64) {
	return value.F0, value.F1, value.F2
}

func EchoMany(
	a bool, b uint8, c int8, d uint16, e int16, f uint32, g int32, h uint64, i int64,
	j float32, k float64, l rune, m string, n []uint8, o Option[uint64], p echo.Suit,
) echo.Many {
	return echo.Many{a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p}
}
