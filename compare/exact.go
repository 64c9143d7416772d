package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"repro/compare/kinds"
	"repro/report"
)

func init() { comparers[kinds.Exact] = compareExact }

func compareExact(ctx context.Context, j *job) error {
	at, err := firstDifference(ctx, j.pub, j.new)
	if err != nil {
		return err
	}
	j.finding.Verdict = report.Differs
	j.finding.Reason = fmt.Sprintf("the bytes differ, first at byte %d", at)
	j.finding.Worst = &report.Worst{Where: fmt.Sprintf("byte %d", at)}
	return nil
}

// firstDifference returns the offset of the first byte that differs, or -1.
func firstDifference(ctx context.Context, a, b io.Reader) (int64, error) {
	x, y := make([]byte, 128<<10), make([]byte, 128<<10)
	for at := int64(0); ; {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n, err := fill(a, x)
		if err != nil {
			return 0, err
		}
		m, err := fill(b, y)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(x[:n], y[:m]) {
			return at + int64(prefix(x[:n], y[:m])), nil
		}
		if n < len(x) {
			return -1, nil
		}
		at += int64(n)
	}
}

func fill(r io.Reader, b []byte) (int, error) {
	n, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

func prefix(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
