package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"repro/build/sbom"
	"repro/format/tree"
)

// benchSBOM measures the bill of materials of a Debian root filesystem with
// Python and R against what dpkg-query, pip and R say is installed there:
// which packages it misses, and how long both take. It asks the programs of
// that root, so it wants to be root itself.
func benchSBOM(args []string) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	root := flags.String("root", "", "Debian root filesystem with python3-pip and r-base-core; without it mmdebstrap makes one")
	rounds := flags.Int("rounds", 5, "runs of each")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *root == "" {
		dir, err := os.MkdirTemp("", "repro-bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		*root = filepath.Join(dir, "root")
		out, err := exec.Command("mmdebstrap", "--variant=minbase", "--include=python3-numpy,python3-matplotlib,python3-pip,r-base-core,r-cran-mass", "bookworm", *root).CombinedOutput()
		if err != nil {
			return fmt.Errorf("mmdebstrap: %w\n%s", err, out)
		}
	}
	ours, err := part("repro, both bills", "sbom.read", *root)
	if err != nil {
		return err
	}
	peers := []*subject{
		{name: "dpkg-query", argv: []string{"dpkg-query", "--admindir=" + *root + "/var/lib/dpkg", "-W", "-f", `${db:Status-Status} deb ${Package} ${Version} ${Architecture}\n`}},
		{name: "pip list", argv: []string{"chroot", *root, "python3", "-m", "pip", "list", "--format=json", "--disable-pip-version-check"}},
		{name: "R installed.packages", argv: []string{"chroot", *root, "Rscript", "-e", `p <- installed.packages(); cat(paste("cran", p[, "Package"], p[, "Version"]), sep = "\n")`}},
	}
	if err := alternate(*rounds, append([]*subject{ours}, peers...)...); err != nil {
		return err
	}
	found := map[string]bool{}
	for line := range strings.Lines(ours.runs[0].out) {
		found[strings.TrimSpace(line)] = true
	}
	if err := printRuns(os.Stdout, append([]*subject{ours}, peers...)...); err != nil {
		return err
	}
	var goals []goal
	for i, list := range []func(string) ([]string, error){dpkgList, pipList, rList} {
		want, err := list(peers[i].runs[0].out)
		if err != nil {
			return fmt.Errorf("%s: %w", peers[i].name, err)
		}
		missing := 0
		for _, p := range want {
			if !found[p] {
				missing++
				fmt.Println("missing:", p)
			}
		}
		goals = append(goals, goal{measure: fmt.Sprintf("packages missing of %d that %s lists", len(want), peers[i].name), got: float64(missing)})
	}
	return printGoals(os.Stdout, append(goals, goal{measure: "reading the tree and writing both bills", got: ours.wall(), want: 2, unit: " s"}))
}

func dpkgList(out string) (all []string, err error) {
	for line := range strings.Lines(out) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(line), "installed "); ok {
			all = append(all, p)
		}
	}
	return all, nil
}

func pipList(out string) (all []string, err error) {
	var list []struct{ Name, Version string }
	err = json.Unmarshal([]byte(out), &list)
	for _, p := range list {
		name := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(p.Name)) // as PEP 503 has it
		all = append(all, "pypi "+name+" "+p.Version)
	}
	return all, err
}

func rList(out string) (all []string, err error) {
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "cran ") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all, nil
}

// readSBOM reads the software in a root filesystem, writes both bills and
// prints the packages.
func readSBOM(args []string) error {
	root, err := tree.FromDir(args[0], tree.DirOptions{})
	if err != nil {
		return err
	}
	inv, err := sbom.Read(context.Background(), root)
	if err != nil {
		return err
	}
	s := sbom.Subject{Name: "bench", Licence: "MIT", Date: "2026-01-01T00:00:00Z"}
	if len(inv.SPDX(s)) == 0 || len(inv.CycloneDX(s)) == 0 {
		return fmt.Errorf("%s: no bill", args[0])
	}
	for _, p := range inv.Packages {
		line := []string{string(p.Kind), p.Name, p.Version}
		if p.Kind == sbom.Deb {
			line = append(line, p.Arch)
		}
		fmt.Println(strings.Join(line, " "))
	}
	return nil
}
