package local

import (
	"repro/internal/sandbox"
	"repro/report"
)

// Doctor says what this machine offers to a run, and how a run would go here. It
// builds a sandbox to find out, and leaves nothing behind.
func Doctor(version string) *report.Doctor {
	rep := &report.Doctor{Version: report.Version, Machine: Machine(), Runs: true, Layers: "extracted"}
	rep.Machine.Repro = version
	works := map[string]bool{}
	for _, f := range sandbox.Survey() {
		rep.Features = append(rep.Features, f)
		works[f.Name] = f.Works
		rep.Runs = rep.Runs && (f.Works || !f.Needed)
	}
	switch {
	case rep.Runs:
		rep.Isolation = string(IsolationFull)
	case sandbox.Probe(true) == nil:
		rep.Isolation = string(IsolationNoProc)
	}
	if works["fuse"] && works["overlay"] {
		rep.Layers = "fuse"
	}
	return rep
}
