package cli

import (
	"encoding/json"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"repro/internal/progress"
)

var progressFlag = &cli.StringFlag{Name: "progress", Usage: "for programs: write how far it is to `FILE`, which holds one JSON object with task, done, total, bytes and secondsLeft, anew each second"}

// progressInterval is how often the file is written at most, but for the ends of
// tasks.
const progressInterval = time.Second

// Progress is what the file of --progress holds.
type Progress struct {
	Task        string `json:"task"`
	Done        int64  `json:"done"`
	Total       int64  `json:"total"`           // 0: not known
	Bytes       bool   `json:"bytes,omitempty"` // Done and Total count bytes
	SecondsLeft int64  `json:"secondsLeft,omitempty"`
}

// writeProgress replaces the file, so that whoever reads it finds one object. A
// file that cannot be written is no reason to stop.
func (c *console) writeProgress(e progress.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.reported) >= progressInterval || e.Done == e.Total {
		c.reported = now
	} else {
		return
	}
	b, err := json.Marshal(Progress{e.Task, e.Done, e.Total, e.Bytes, int64(e.Left.Seconds())})
	if err != nil {
		return
	}
	fresh := c.progressFile + ".new"
	if os.WriteFile(fresh, append(b, '\n'), 0o666) == nil {
		_ = os.Rename(fresh, c.progressFile)
	}
}
