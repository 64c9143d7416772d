package run

import (
	"repro/internal/sandbox"
	"repro/record"
)

// Survey says what this machine offers to a run, and how one would go here.
// It builds a sandbox to find out, and leaves nothing behind.
func Survey(version string) *record.DoctorReport {
	report := &record.DoctorReport{Version: record.ReportVersion, Machine: Machine(), Runs: true, Layers: "extracted"}
	report.Machine.Repro = version
	works := map[string]bool{}
	for _, f := range sandbox.Survey() {
		report.Features = append(report.Features, record.Feature{
			Name: f.Name, Works: f.Works, Needed: f.Needed, Detail: f.Detail, Ask: f.Hint,
		})
		works[f.Name] = f.Works
		report.Runs = report.Runs && (f.Works || !f.Needed)
	}
	switch {
	case report.Runs:
		report.Isolation = string(IsolationFull)
	case sandbox.ProbeWithoutProc() == nil:
		report.Isolation = string(IsolationNoProc)
	}
	if works["fuse"] && works["overlay"] {
		report.Layers = "fuse"
	}
	return report
}
