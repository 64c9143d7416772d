package run

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"repro/record"
)

// needed are the features, as Linux names them, without which a machine can't
// give the bits of a profile.
var needed = map[string][]string{
	record.CPUPortableV2: {"ssse3", "sse4_2", "popcnt"},
	record.CPUPortableV3: {"avx2", "fma", "bmi2", "f16c"},
}

// cpuNotes says, as far as that can be told, where a step did not get the
// processor that it asks for.
func (r *runner) cpuNotes() []string {
	var notes []string
	for _, s := range r.plan.steps {
		if needed[s.CPU] == nil {
			continue
		}
		name := fmt.Sprintf("step %q asks for the processor %s", s.Name, s.CPU)
		if runtime.GOARCH != "amd64" {
			notes = append(notes, name+", which is not one of "+runtime.GOARCH+": nothing was pinned")
			continue
		}
		asked := record.CPUVariables(s.CPU, runtime.GOARCH)
		if lacking := lackingFeatures(needed[s.CPU]); len(lacking) > 0 {
			notes = append(notes, name+", but this one has no "+strings.Join(lacking, ", ")+": results may be of other bits")
		}
		for key, value := range asked {
			if own, ok := s.Env[key]; ok && own != value {
				notes = append(notes, fmt.Sprintf("%s, but sets %s itself", name, key))
			}
		}
		if core := openBLASCore(r.logOf(s)); core != "" && !strings.EqualFold(core, s.Env["OPENBLAS_CORETYPE"]) && !strings.EqualFold(core, asked["OPENBLAS_CORETYPE"]) {
			notes = append(notes, fmt.Sprintf("%s, but OpenBLAS chose the code for %s", name, core))
		}
	}
	return notes
}

// obtained notes a step's profile, and the code that OpenBLAS chose, where it
// was made to say so.
func (r *runner) obtained(status *record.StepStatus, s record.Step) {
	status.CPU = s.CPU
	status.Core = openBLASCore(r.logOf(s))
}

func (r *runner) logOf(s record.Step) string {
	return filepath.Join(r.options.Dir, logsDir, s.Name+".log")
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

var coreLine = regexp.MustCompile(`^Core: ([A-Za-z0-9_]{1,32})\s*$`)

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
