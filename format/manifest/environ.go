package manifest

import (
	"maps"
	"strconv"
	"time"
)

// The processors that a recipe may hold a step to. A portable profile makes
// numerical libraries use the code that they would choose on any processor of
// that level of x86-64, so that each gives the same bits (SPEC.md, RUN-7).
const (
	CPUPortableV2 = "portable-v2" // SSE 4.2
	CPUPortableV3 = "portable-v3" // AVX2 and FMA
)

// avx512 is what numpy calls the features above x86-64-v3.
const avx512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"

// cpuVariables are the variables of each profile. A library that does not know
// a name passes it over without a word; names of several releases stand side
// by side.
var cpuVariables = map[string]map[string]string{
	CPUPortableV2: {
		"OPENBLAS_CORETYPE":        "Nehalem",
		"NPY_DISABLE_CPU_FEATURES": avx512 + " AVX2 FMA3 AVX F16C X86_V4 X86_V3",
		"GLIBC_TUNABLES":           "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX,-AVX2_Usable,-FMA_Usable,-AVX_Usable",
		"MKL_CBWR":                 "COMPATIBLE", "MKL_DYNAMIC": "FALSE",
	},
	CPUPortableV3: {
		"OPENBLAS_CORETYPE":        "Haswell",
		"NPY_DISABLE_CPU_FEATURES": avx512 + " X86_V4",
		"GLIBC_TUNABLES":           "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD,-FMA4",
		"MKL_CBWR":                 "AVX2,STRICT", "MKL_DYNAMIC": "FALSE",
	},
}

// CPUVariables returns what holds a step to a profile on machines of an
// architecture, as Go calls it; nil if nothing does. Callers must not change it.
func CPUVariables(profile, arch string) map[string]string {
	if arch != "amd64" {
		return nil
	}
	return cpuVariables[profile]
}

// Home is a folder that is empty when a step starts and gone when it ends.
const Home = "/tmp/home"

// User is the name of the user as whom steps run.
const User = "user"

// CommonEnv returns the variables that all steps set alike, as they do those
// that the source of the environment has.
func (m *Manifest) CommonEnv() map[string]string {
	if len(m.Steps) == 0 {
		return map[string]string{}
	}
	env := maps.Clone(m.Steps[0].Env)
	for _, s := range m.Steps[1:] {
		maps.DeleteFunc(env, func(name, value string) bool { v, ok := s.Env[name]; return !ok || v != value })
	}
	return env
}

// Environ returns the whole environment of a step: the fixed variables of
// SPEC.md, RUN-7, and the step's own on top. date is the paper's.
func (s Step) Environ(date, arch string) map[string]string {
	threads := strconv.Itoa(max(1, s.CPUs))
	env := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME": Home, "USER": User, "LOGNAME": User, "SHELL": "/bin/sh",
		"PWD": s.Dir, "TMPDIR": "/tmp", "TERM": "dumb",

		// What results should not depend on.
		"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC",
		"PYTHONHASHSEED": "0", "MPLBACKEND": "Agg",
		"PYTHONDONTWRITEBYTECODE": "1",

		// Sums are added up in another order by another number of threads.
		"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
		"BLIS_NUM_THREADS": threads, "NUMEXPR_NUM_THREADS": threads, "JULIA_NUM_THREADS": threads,
	}
	if t, err := time.Parse(time.RFC3339, date); err == nil {
		env["SOURCE_DATE_EPOCH"] = strconv.FormatInt(t.Unix(), 10)
	}
	maps.Copy(env, CPUVariables(s.CPU, arch))
	if s.Ranks > 0 {
		maps.Copy(env, mpiVariables)
	}
	maps.Copy(env, s.Env)
	return env
}
