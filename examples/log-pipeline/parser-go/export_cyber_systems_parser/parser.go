// Package export_cyber_systems_parser implements `cyber:systems/parser`: a raw line becomes time,
// severity and message.
package export_cyber_systems_parser

import (
	"fmt"
	"strings"

	. "parser/cyber_systems_parser"

	. "go.bytecodealliance.org/pkg/wit/types"
)

var severities = []string{
	"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL",
}

// White space is ASCII's: other spaces belong to the words that they stand in.
const white = " \t\n\f\r"

func Parse(raw string) Result[LogEntry, string] {
	entry, err := parse(raw)
	if err != nil {
		return Err[LogEntry, string](err.Error())
	}
	return Ok[LogEntry, string](entry)
}

func parse(raw string) (LogEntry, error) {
	time, rest := split(strings.Trim(raw, white))
	level, message := split(rest)
	if message == "" {
		return LogEntry{}, fmt.Errorf("Malformed log entry")
	}
	timestamp, err := readTimestamp(time)
	if err != nil {
		return LogEntry{}, err
	}
	severity, err := readSeverity(level)
	if err != nil {
		return LogEntry{}, err
	}
	return LogEntry{Timestamp: timestamp, Severity: severity, Message: message}, nil
}

// split gives the first word, and what follows the white space after it.
func split(text string) (word, rest string) {
	end := strings.IndexAny(text, white)
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimLeft(text[end:], white)
}

func readSeverity(text string) (string, error) {
	for _, known := range severities {
		if known == asciiUpper(text) {
			return known, nil
		}
	}
	return "", fmt.Errorf("The severity `%s` is unknown: use one of %s.", text, strings.Join(severities, ", "))
}

// asciiUpper leaves the letters outside of ASCII: some have capitals that are ASCII's.
func asciiUpper(text string) string {
	return strings.Map(func(letter rune) rune {
		if 'a' <= letter && letter <= 'z' {
			return letter - 'a' + 'A'
		}
		return letter
	}, text)
}
