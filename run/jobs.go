package run

import (
	"repro/engine"
	"repro/format"
)

// Jobs returns the steps of im as jobs of an engine, in the image's order, each
// with the command line of its worker; command is as in [Spread]. Nothing is made
// or looked at but the image.
func Jobs(im *format.Image, o Options, command func(step, folder string) []string) ([]engine.Job, error) {
	x, err := decide(im, o)
	if err != nil {
		return nil, err
	}
	w := &waiter{experiment: x, Spread: Spread{Command: command}, options: o, gpu: o.GPU}
	open := make([]bool, len(x.plan.Steps))
	for i := range open {
		open[i] = true
	}
	jobs := make([]engine.Job, len(open))
	for i := range open {
		jobs[i] = w.job(i, open)
	}
	return jobs, nil
}
