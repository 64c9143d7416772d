package report

// What the status of a step can be. SPEC.md, RUN-20.
const (
	StepDone     = "done"
	StepFailed   = "failed"
	StepTimedOut = "timed out"
	StepKilled   = "killed"
	StepSkipped  = "skipped"
)
