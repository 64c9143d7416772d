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

// The processors that a recipe may hold a step to. A portable profile makes
// numerical libraries use the code that they would choose on any processor of
// that level of x86-64, so that each gives the same bits (SPEC.md, RUN-7).
const (
	cpuV2 = "portable-v2" // SSE 4.2
	cpuV3 = "portable-v3" // AVX2 and FMA
)

// avx512 is what numpy calls the features above x86-64-v3.
const avx512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"

// cpuProfiles are the variables of each profile. A library that does not know
// a name passes it over without a word; names of several releases stand side
// by side.
var cpuProfiles = map[string]map[string]string{
	cpuV2: {
		"OPENBLAS_CORETYPE":        "Nehalem",
		"NPY_DISABLE_CPU_FEATURES": avx512 + " AVX2 FMA3 AVX F16C X86_V4 X86_V3",
		"GLIBC_TUNABLES":           "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX,-AVX2_Usable,-FMA_Usable,-AVX_Usable",
		"MKL_CBWR":                 "COMPATIBLE", "MKL_DYNAMIC": "FALSE",
	},
	cpuV3: {
		"OPENBLAS_CORETYPE":        "Haswell",
		"NPY_DISABLE_CPU_FEATURES": avx512 + " X86_V4",
		"GLIBC_TUNABLES":           "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD,-FMA4",
		"MKL_CBWR":                 "AVX2,STRICT", "MKL_DYNAMIC": "FALSE",
	},
}

// needed are the features, as Linux names them, without which a machine can't
// give the bits of a profile.
var needed = map[string][]string{
	cpuV2: {"ssse3", "sse4_2", "popcnt"},
	cpuV3: {"avx2", "fma", "bmi2", "f16c"},
}

// pinned is the variables of a step's profile.
func pinned(s record.Step) map[string]string {
	if runtime.GOARCH != "amd64" {
		return nil
	}
	return cpuProfiles[s.CPU]
}

// cpuNotes says, as far as that can be told, where a step did not get the
// processor that it asks for.
func (r *runner) cpuNotes() []string {
	var notes []string
	for _, s := range r.plan.steps {
		asked := cpuProfiles[s.CPU]
		if asked == nil {
			continue
		}
		name := fmt.Sprintf("step %q asks for the processor %s", s.Name, s.CPU)
		if runtime.GOARCH != "amd64" {
			notes = append(notes, name+", which is not one of "+runtime.GOARCH+": nothing was pinned")
			continue
		}
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
		return nil
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
