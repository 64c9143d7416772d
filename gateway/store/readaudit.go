package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxAuditLine is how long a line of an exported log can be, in bytes.
const maxAuditLine = 1 << 20

// ReadAudit reads an audit log that was exported: one entry a line, and last the
// hash. It checks the chain, and returns how many entries there are and the hash
// to which they lead. What is not whole, or was altered, is an error.
func ReadAudit(r io.Reader) (entries int, last Hash, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxAuditLine)
	for lines.Scan() {
		var line struct {
			Entry
			End string `json:"hash"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return entries, last, fmt.Errorf("line %d: %w", entries+1, err)
		}
		if line.End != "" {
			if want := fmt.Sprintf("sha256:%x", last); line.End != want || lines.Scan() {
				return entries, last, fmt.Errorf("line %d: the entries lead to %s: it was altered", entries+1, want)
			}
			return entries, last, lines.Err()
		}
		if line.Sequence != int64(entries+1) {
			return entries, last, fmt.Errorf("line %d: has entry %d", entries+1, line.Sequence)
		}
		if last, err = line.Entry.chained(last); err != nil {
			return entries, last, err
		}
		entries++
	}
	return entries, last, errors.Join(lines.Err(), errors.New("has no line with a hash at its end: it is not whole"))
}
