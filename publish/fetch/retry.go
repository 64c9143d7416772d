package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"repro/publish/stranger"
)

// Limits on asking again.
const (
	maxTries   = 5               // of what fails, without a byte more
	longestAsk = 5 * time.Minute // that a server may ask to wait
)

// firstPause is doubled with each failure.
var firstPause = time.Second

// statusError is an answer that was not hoped for.
type statusError struct {
	who    string
	status string // with its number
	code   int
	after  time.Duration // how long the server asks to wait
}

func (e *statusError) Error() string { return fmt.Sprintf("%s answers %.100q", e.who, e.status) }

func refusal(who string, answer *http.Response) error {
	return &statusError{who, answer.Status, answer.StatusCode, stranger.AskedToWait(answer.Header, time.Now())}
}

// mayPass reports whether the same may succeed a little later.
func mayPass(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return stranger.MayPass(status.code)
	}
	return stranger.IsNetwork(err)
}

// pause waits as long as the server asked for with the failure err, or longer after
// each.
func pause(ctx context.Context, failures int, err error) error {
	var asked time.Duration
	if status := (*statusError)(nil); errors.As(err, &status) {
		asked = status.after
	}
	return stranger.Wait(ctx, firstPause<<(failures-1), asked, longestAsk, err)
}
