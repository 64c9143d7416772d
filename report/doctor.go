package report

// Doctor is what `repro doctor` found out about a machine.
type Doctor struct {
	Version   int       `json:"version"`
	Machine   Machine   `json:"machine"`
	Runs      bool      `json:"runs"`                // images can be run here
	Isolation string    `json:"isolation,omitempty"` // the strongest that works: namespaces or no-proc; absent: none
	Layers    string    `json:"layers"`              // how, as in Isolation
	Features  []Feature `json:"features"`            // most important first
}

// Feature is one thing that a machine may offer to a run.
type Feature struct {
	Name   string `json:"name"`
	Works  bool   `json:"works"`
	Needed bool   `json:"needed,omitempty"` // nothing runs without
	Detail string `json:"detail"`           // what it gives, or what happens without it, and why
	Ask    string `json:"ask,omitempty"`    // what to ask the administrator for
}
