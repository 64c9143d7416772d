// Package processor knows for which processors numerical libraries choose their
// code: the profiles that recipes name, the kinds that this machine can stand in
// for, and how to find out what a library chose. SPEC.md, RUN-7 and RUN-7d.
package processor

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"

	"repro/format/manifest"
	"repro/internal/pattern"
)

// required are the features, as Linux names them, that a profile takes for
// granted: without them a machine can't give its bits.
var required = map[string][]string{
	manifest.CPUPortableV2: {"ssse3", "sse4_2", "popcnt"},
	manifest.CPUPortableV3: {"avx2", "fma", "bmi2", "f16c"},
}

// Notes says where a step did not get the processor that its profile asks for,
// as far as that can be told. Cores and answers have one element for each step:
// the processor for which OpenBLAS chose its code, empty if unknown, and what
// the libraries said; answers may be empty.
func Notes(steps []manifest.Step, date string, cores []string, answers []Answer) []string {
	var notes []string
	for i, s := range steps {
		if required[s.CPU] == nil {
			continue
		}
		name := fmt.Sprintf("step %q asks for the processor %s", s.Name, s.CPU)
		if runtime.GOARCH != "amd64" {
			notes = append(notes, name+", which is not one of "+runtime.GOARCH+": nothing was pinned")
			continue
		}
		asked := manifest.CPUVariables(s.CPU, runtime.GOARCH)
		if missing := missingFeatures(required[s.CPU]); len(missing) > 0 {
			notes = append(notes, name+", but this one has no "+strings.Join(missing, ", ")+": results may be of other bits")
		}
		for key, value := range asked {
			if own, ok := s.Env[key]; ok && own != value {
				notes = append(notes, fmt.Sprintf("%s, but sets %s itself", name, key))
			}
		}
		core := cores[i]
		if core != "" && !strings.EqualFold(core, s.Env["OPENBLAS_CORETYPE"]) && !strings.EqualFold(core, asked["OPENBLAS_CORETYPE"]) {
			notes = append(notes, fmt.Sprintf("%s, but OpenBLAS chose the code for %s", name, core))
		}
		if i < len(answers) {
			for _, ignored := range answers[i].ignored(s.Environ(date, runtime.GOARCH)) {
				notes = append(notes, name+", but "+ignored)
			}
		}
	}
	return notes
}

// missingFeatures returns those of names that this machine's processor lacks;
// none if Linux does not say.
func missingFeatures(names []string) []string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil
	}
	_, flags, found := strings.Cut(string(b), "\nflags")
	if !found {
		if _, flags, found = strings.Cut(string(b), "\nFeatures"); !found { // of ARM
			return nil
		}
	}
	flags, _, _ = strings.Cut(flags, "\n")
	var missing []string
	for _, name := range names {
		if !strings.Contains(flags+" ", " "+name+" ") {
			missing = append(missing, name)
		}
	}
	return missing
}

var coreLine = pattern.New(`(?m)^Core: ([A-Za-z0-9_]{1,32})\s*$`)

// CoreInLog returns the processor that OpenBLAS names at the start of a step's
// log, which it does if the step sets OPENBLAS_VERBOSE to 2; empty if there is
// no such line.
func CoreInLog(log string) string {
	f, err := os.Open(log)
	if err != nil {
		return ""
	}
	defer f.Close()
	b := make([]byte, 64<<10)
	n, _ := f.Read(b)
	for lines := bufio.NewScanner(bytes.NewReader(b[:n])); lines.Scan(); {
		if m := coreLine.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	return ""
}
