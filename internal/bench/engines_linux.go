package main

import (
	"fmt"

	"repro/engine/slurm/slurmtest"
)

// spread measures independent steps on the cluster that tests have.
func (b *enginesBench) spread() error {
	if err := slurmtest.Missing(); err != nil {
		fmt.Println("steps over three slurmd: skipped:", err)
		return nil
	}
	var err error
	slurmtest.Tests{M: whileClusterRuns(func() {
		var conf string
		if conf, err = slurmtest.Start(); err == nil {
			err = b.onCluster(conf, slurmtest.Nodes*slurmtest.Processors)
		}
	})}.Run()
	return err
}

// whileClusterRuns is called before the cluster is ended.
type whileClusterRuns func()

func (f whileClusterRuns) Run() int { f(); return 0 }
