package processor

import (
	"maps"
	"runtime"

	"repro/format/manifest"
)

// Kind is a kind of processor that numerical libraries can be made to see in
// place of this machine's own.
type Kind struct {
	Name string            // as OpenBLAS calls it
	Env  map[string]string // makes OpenBLAS, numpy, glibc and MKL choose the code for it
}

// Kinds lists the kinds whose features this machine has, from the least to the
// most able. There are none where libraries have no such variables.
func Kinds() []Kind {
	var out []Kind
	for _, c := range candidates(runtime.GOARCH) {
		if len(missingFeatures(c.features)) == 0 {
			out = append(out, c.Kind)
		}
	}
	return out
}

// Native reports whether a step runs with the processor as it is.
func Native(s manifest.Step) bool { return len(manifest.CPUVariables(s.CPU, runtime.GOARCH)) == 0 }

type candidate struct {
	Kind
	features []string // that it needs, as Linux names them
}

// candidates are those processors of which OpenBLAS has kernels that give different bits
// (Zen's are Haswell's, Cooperlake's SkylakeX's). Sandybridge has AVX, but
// neither AVX2 nor FMA.
func candidates(arch string) []candidate {
	switch arch {
	case "amd64":
		return []candidate{
			{like(manifest.CPUPortableV2, "OPENBLAS_CORETYPE", "Prescott"), []string{"pni"}},
			{like(manifest.CPUPortableV2), required[manifest.CPUPortableV2]},
			{like(manifest.CPUPortableV3, "OPENBLAS_CORETYPE", "Sandybridge", "MKL_CBWR", "AVX",
				"NPY_DISABLE_CPU_FEATURES", "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR AVX2 FMA3 X86_V4 X86_V3",
				"GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX2_Usable,-FMA_Usable"), []string{"avx"}},
			{like(manifest.CPUPortableV3), required[manifest.CPUPortableV3]},
			{named("SkylakeX", map[string]string{"MKL_CBWR": "AVX512", "MKL_DYNAMIC": "FALSE"}),
				[]string{"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}},
		}
	case "arm64":
		return []candidate{{named("ARMV8", nil), nil}, {named("NEOVERSEN1", nil), []string{"asimddp"}}}
	}
	return nil
}

// like is the processor of a profile, with some variables set otherwise: names
// and values in turn.
func like(profile string, changed ...string) Kind {
	env := maps.Clone(manifest.CPUVariables(profile, "amd64"))
	for i := 0; i < len(changed); i += 2 {
		env[changed[i]] = changed[i+1]
	}
	return named(env["OPENBLAS_CORETYPE"], env)
}

func named(core string, env map[string]string) Kind {
	out := map[string]string{"OPENBLAS_CORETYPE": core}
	maps.Copy(out, env)
	return Kind{core, out}
}
