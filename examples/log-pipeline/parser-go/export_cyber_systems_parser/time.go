package export_cyber_systems_parser

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var decimal = regexp.MustCompile(`^[0-9]+$`)

// The package `time` reads more than RFC 3339 allows, such as an hour of one digit.
var rfc3339 = regexp.MustCompile(
	`^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:)([0-9]{2})(\.[0-9]+)?(Z|[+-]([0-9]{2}):([0-9]{2}))$`,
)

// readTimestamp reads decimal Unix seconds or an RFC 3339 time, whose fraction of a second is
// dropped.
func readTimestamp(text string) (uint64, error) {
	if decimal.MatchString(text) {
		seconds, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("The time `%s` is too large: it must fit into 64 bits.", text)
		}
		return seconds, nil
	}
	at, ok := readRFC3339(asciiUpper(text))
	if !ok {
		return 0, fmt.Errorf("The time `%s` is neither decimal Unix seconds nor a valid RFC 3339 time.", text)
	}
	if at.Unix() < 0 {
		return 0, fmt.Errorf("The time `%s` is before 1970-01-01T00:00:00Z.", text)
	}
	return uint64(at.Unix()), nil
}

func readRFC3339(text string) (time.Time, bool) {
	parts := rfc3339.FindStringSubmatch(text)
	if parts == nil || parts[5] > "23" || parts[6] > "59" {
		return time.Time{}, false
	}
	minute, second, zone := parts[1], parts[2], parts[4]
	isLeap := second == "60"
	if isLeap {
		second = "59"
	}
	at, err := time.Parse(time.RFC3339, minute+second+zone)
	if err != nil || isLeap && !endsMonth(at.UTC()) {
		return time.Time{}, false
	}
	return at, true
}

// endsMonth says whether a leap second may follow this one, as which it counts.
func endsMonth(at time.Time) bool {
	next := at.Add(time.Second)
	return next.Day() == 1 && next.Hour() == 0 && next.Minute() == 0
}
