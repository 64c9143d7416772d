package calibrate

import (
	"fmt"
	"os"
	"path/filepath"

	"repro/format/manifest"
	"repro/report"
)

// longStep is from how many seconds on others should be told how long a step
// takes.
const longStep = 10

// StepTime is how long a step took here.
type StepTime struct {
	Step    string
	Seconds int64
}

// LongSteps returns the steps that took long in the first run of a calibration
// in dir, and of which the manifest does not say so (`takes`).
func LongSteps(dir string, m *manifest.Manifest) ([]StepTime, error) {
	b, err := os.ReadFile(filepath.Join(runDir(dir, 0), reportFile))
	if err != nil {
		return nil, err
	}
	var rep report.Run
	if err := manifest.Unmarshal(b, &rep); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	stated := map[string]bool{}
	for _, s := range m.Steps {
		stated[s.Name] = s.Takes > 0
	}
	var long []StepTime
	for _, s := range rep.Steps {
		if seconds := (s.WallMS + 999) / 1000; seconds >= longStep && !stated[s.Name] {
			long = append(long, StepTime{s.Name, seconds})
		}
	}
	return long, nil
}

// runDir is the folder of run i.
func runDir(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("run-%02d", i+1)) }
