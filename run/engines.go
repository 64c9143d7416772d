package run

import "os"

// engineRow is what is known of an engine that starts workers elsewhere.
type engineRow struct {
	name string // as --on has it, and as reports name it
	job  string // variable in which a job finds what the engine calls it
}

// engines are those whose workers say by which they were started. Another one is
// a row here.
var engines = []engineRow{
	{name: "slurm", job: "SLURM_JOB_ID"},
}

// EngineOfProcess returns the name of the engine that started this process, and
// what it calls the job; both are empty if a person or a script did.
func EngineOfProcess() (engine, job string) {
	for _, e := range engines {
		if id := os.Getenv(e.job); e.job != "" && id != "" {
			return e.name, id
		}
	}
	return "", ""
}
