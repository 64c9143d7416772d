package recipe

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"repro/internal/pattern"
)

// The checks below return what is wrong with a value, or "".

var (
	nameForm    = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	orcidForm   = pattern.New(`^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$`)
	doiForm     = pattern.New(`^10\.\d{4,9}(\.\d+)*/[!-~]+$`)
	emailForm   = pattern.New(`^[^\s@<>]+@[^\s@<>]+$`)
	sha256Form  = pattern.New(`^[0-9a-f]{64}$`)
	envForm     = pattern.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	decimalForm = pattern.New(`^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$`)
	sizeForm    = pattern.New(`^([0-9]{1,15}) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)
	timeForm    = pattern.New(`^(?:([0-9]{1,6}) ?d)? ?(?:([0-9]{1,6}) ?h)? ?(?:([0-9]{1,6}) ?m)? ?(?:([0-9]{1,9}) ?s)?$`)
)

func checkName(s string) string {
	if len(s) > MaxName {
		return fmt.Sprintf("longer than %d bytes", MaxName)
	}
	if !nameForm.MatchString(s) {
		return "a name has letters, digits, dots, dashes and underscores, and starts with a letter or digit"
	}
	return ""
}

// checkORCID verifies the check digit too (ISO 7064 MOD 11-2).
func checkORCID(s string) string {
	if i := strings.LastIndexByte(s, '/'); i >= 0 && orcidForm.MatchString(s[i+1:]) {
		return "write only " + s[i+1:]
	}
	if !orcidForm.MatchString(s) {
		return "an ORCID iD looks like 0000-0002-1825-0097"
	}
	total := 0
	digits := strings.ReplaceAll(s, "-", "")
	for _, d := range digits[:15] {
		total = (total + int(d-'0')) * 2
	}
	if want := "0123456789X"[(12-total%11)%11]; digits[15] != want {
		return "the last character is a check digit and does not fit the others: a digit was mistyped"
	}
	return ""
}

func checkDOI(s string) string {
	if i := strings.Index(s, "10."); i > 0 && doiForm.MatchString(s[i:]) {
		return "write only " + s[i:]
	}
	if !doiForm.MatchString(s) {
		return "a DOI looks like 10.5281/zenodo.123"
	}
	return ""
}

func checkEmail(s string) string {
	if !emailForm.MatchString(s) {
		return "not an e-mail address"
	}
	return ""
}

func checkSHA256(s string) string {
	if l := strings.TrimPrefix(strings.ToLower(s), "sha256:"); l != s && sha256Form.MatchString(l) {
		return "write " + l
	}
	if !sha256Form.MatchString(s) {
		return "want 64 lower-case hexadecimal digits, as sha256sum prints"
	}
	return ""
}

// decimal reads a number that is not negative, kept as text.
func checkDecimal(s string) string {
	if !decimalForm.MatchString(s) {
		return "want a number such as 1e-9 or 0.001"
	}
	if f, err := strconv.ParseFloat(s, 64); err != nil || math.IsInf(f, 0) {
		return "too large"
	}
	return ""
}

// Date returns s, a day or an RFC 3339 time, as RFC 3339 in UTC with whole
// seconds; a day means its first second. Times must fit the 32 bits that
// squashfs has for seconds since 1970.
func Date(s string) (string, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("want a day such as 2026-11-01, or a time such as 2026-11-01T12:00:00Z")
	case t.Nanosecond() != 0:
		return "", fmt.Errorf("want whole seconds")
	case t.Unix() < 0 || t.Unix() > math.MaxUint32:
		return "", fmt.Errorf("only times from 1970 to 2106 can be stored")
	}
	return t.UTC().Format(time.RFC3339), nil
}

// Size returns the bytes that a size such as "512 MiB" or "2 GB" stands for.
func Size(s string) (int64, error) {
	n, problem := size(s)
	if problem != "" {
		return 0, errors.New(problem)
	}
	return n, nil
}

// size reads "512 MiB".
func size(s string) (int64, string) {
	const form = "want a size with its unit, such as 512 MiB or 2 GB"
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		return 0, form
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	unit := map[string]int64{
		"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[m[2]]
	if n == 0 {
		return 0, form
	}
	if n > maxMemory/unit {
		return 0, "too large: at most 1024 TiB"
	}
	return n * unit, ""
}

// duration reads "1h 30m" as seconds.
func duration(s string) (int64, string) {
	const form = "want a time with its unit, such as 90s, 10m, 1h 30m or 2d"
	m := timeForm.FindStringSubmatch(s)
	if m == nil {
		return 0, form
	}
	var total int64
	for i, unit := range []int64{86400, 3600, 60, 1} {
		n, _ := strconv.ParseInt(m[i+1], 10, 64) // no digits: 0
		total += n * unit
	}
	if total == 0 {
		return 0, form
	}
	if total > maxTime {
		return 0, "too long: at most 366 days"
	}
	return total, ""
}

const (
	maxMemory = 1 << 50
	maxTime   = 366 * 86400
	maxCPUs   = 4096
)
