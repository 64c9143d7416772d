package report

// What the status of a step can be. SPEC.md, RUN-20.
const (
	StepDone     = "done"
	StepFailed   = "failed"
	StepTimedOut = "timed out"
	StepKilled   = "killed"
	StepSkipped  = "skipped"
)

// Place says where a step ran, if not all of a run's steps did in one process.
type Place struct {
	Node    string  `json:"node"`
	Machine Machine `json:"machine"`
	Engine  string  `json:"engine,omitempty"` // that started the worker; absent: a person or a script
	Job     string  `json:"job,omitempty"`    // what the engine calls it
}
