package run

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"repro/format/manifest"
	"repro/internal/pattern"
	"repro/report"
)

// needed are the features, as Linux names them, without which a machine can't
// give the bits of a profile.
var needed = map[string][]string{
	manifest.CPUPortableV2: {"ssse3", "sse4_2", "popcnt"},
	manifest.CPUPortableV3: {"avx2", "fma", "bmi2", "f16c"},
}

// cpuNotes says, as far as that can be told, where a step did not get the
// processor that it asks for.
func (r *runner) cpuNotes() []string {
	var notes []string
	for i, s := range r.plan.steps {
		if needed[s.CPU] == nil {
			continue
		}
		name := fmt.Sprintf("step %q asks for the processor %s", s.Name, s.CPU)
		if runtime.GOARCH != "amd64" {
			notes = append(notes, name+", which is not one of "+runtime.GOARCH+": nothing was pinned")
			continue
		}
		asked := manifest.CPUVariables(s.CPU, runtime.GOARCH)
		if lacking := lackingFeatures(needed[s.CPU]); len(lacking) > 0 {
			notes = append(notes, name+", but this one has no "+strings.Join(lacking, ", ")+": results may be of other bits")
		}
		for key, value := range asked {
			if own, ok := s.Env[key]; ok && own != value {
				notes = append(notes, fmt.Sprintf("%s, but sets %s itself", name, key))
			}
		}
		core := r.core(i)
		if core != "" && !strings.EqualFold(core, s.Env["OPENBLAS_CORETYPE"]) && !strings.EqualFold(core, asked["OPENBLAS_CORETYPE"]) {
			notes = append(notes, fmt.Sprintf("%s, but OpenBLAS chose the code for %s", name, core))
		}
		if i < len(r.answers) {
			for _, ignored := range r.answers[i].ignored(s.Environ(r.manifest.Paper.Date, runtime.GOARCH)) {
				notes = append(notes, name+", but "+ignored)
			}
		}
	}
	return notes
}

// obtained notes the profile of step i, and the code that OpenBLAS chose.
func (r *runner) obtained(status *report.StepStatus, i int) {
	status.CPU, status.Core = r.plan.steps[i].CPU, r.core(i)
}

// core is what OpenBLAS chose in step i: what the step's log says, or else what
// it says when it is asked.
func (r *runner) core(i int) string {
	if core := openBLASCore(r.logOf(r.plan.steps[i])); core != "" || i >= len(r.answers) {
		return core
	}
	return r.answers[i].core
}

func (r *runner) logOf(s manifest.Step) string {
	return filepath.Join(r.options.Dir, logsDir, logName(s.Name))
}

func lackingFeatures(names []string) []string {
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
	var lacking []string
	for _, name := range names {
		if !strings.Contains(flags+" ", " "+name+" ") {
			lacking = append(lacking, name)
		}
	}
	return lacking
}

var coreLine = pattern.New(`(?m)^Core: ([A-Za-z0-9_]{1,32})\s*$`)

// openBLASCore is what OpenBLAS said that it chose, at the start of a log; it
// does so where a step sets OPENBLAS_VERBOSE to 2.
func openBLASCore(log string) string {
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
