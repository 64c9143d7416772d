package manifest

import (
	"maps"
	"testing"
)

// TestExperiment: the same steps on the same trees are the same experiment,
// whatever else the image holds.
func TestExperiment(t *testing.T) {
	base := func() *Manifest {
		return &Manifest{
			Paper: Paper{Title: "A"},
			Objects: []Object{
				{ID: 2, Name: "recipe", Role: RoleRecipe},
				{ID: 3, Name: "environment", Role: RoleLayer, Layer: &Layer{Content: "sha256:1", Codec: "zstd"}},
				{ID: 4, Name: "published", Role: RoleHidden, Layer: &Layer{Content: "sha256:2"}},
				{ID: 5, Name: "code", Role: RoleLayer, Layer: &Layer{Content: "sha256:3"}},
			},
			Steps: []Step{{Name: "fit", Command: []string{"fit"}, Dir: "/work"}},
		}
	}
	digest := func(change func(m *Manifest)) Digest {
		m := base()
		change(m)
		d, err := m.Experiment()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := digest(func(*Manifest) {})
	if want := DigestOf([]byte(`{"layers":["sha256:1","sha256:3"],"steps":[{"command":["fit"],"dir":"/work","name":"fit"}]}`)); first != want {
		t.Errorf("%s, want %s", first, want)
	}
	for name, c := range map[string]struct {
		same   bool
		change func(m *Manifest)
	}{
		"title":             {true, func(m *Manifest) { m.Paper.Title = "B" }},
		"codec":             {true, func(m *Manifest) { m.Objects[1].Layer.Codec = "gzip" }},
		"published results": {true, func(m *Manifest) { m.Objects[2].Layer.Content = "sha256:9" }},
		"role without tree": {true, func(m *Manifest) { m.Objects[0].Role = RoleLayer }},
		"tree":              {false, func(m *Manifest) { m.Objects[3].Layer.Content = "sha256:9" }},
		"order of layers":   {false, func(m *Manifest) { m.Objects[1], m.Objects[3] = m.Objects[3], m.Objects[1] }},
		"layer is hidden":   {false, func(m *Manifest) { m.Objects[3].Role = RoleHidden }},
		"step":              {false, func(m *Manifest) { m.Steps[0].CPUs = 2 }},
	} {
		if (digest(c.change) == first) != c.same {
			t.Errorf("%s: same experiment: %v, want %v", name, !c.same, c.same)
		}
	}
}

// TestEnviron holds every variable that steps see.
func TestEnviron(t *testing.T) {
	fixed := func(threads string, more map[string]string) map[string]string {
		env := map[string]string{
			"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"HOME": "/tmp/home", "USER": "user", "LOGNAME": "user", "SHELL": "/bin/sh",
			"PWD": "/work", "TMPDIR": "/tmp", "TERM": "dumb",
			"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC",
			"PYTHONHASHSEED": "0", "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1",
			"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
			"BLIS_NUM_THREADS": threads, "NUMEXPR_NUM_THREADS": threads, "JULIA_NUM_THREADS": threads,
		}
		maps.Copy(env, more)
		return env
	}
	const avx512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
	v2 := map[string]string{
		"OPENBLAS_CORETYPE":        "Nehalem",
		"NPY_DISABLE_CPU_FEATURES": avx512 + " AVX2 FMA3 AVX F16C X86_V4 X86_V3",
		"GLIBC_TUNABLES":           "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX,-AVX2_Usable,-FMA_Usable,-AVX_Usable",
		"MKL_CBWR":                 "COMPATIBLE", "MKL_DYNAMIC": "FALSE",
	}
	v3 := map[string]string{
		"OPENBLAS_CORETYPE":        "Haswell",
		"NPY_DISABLE_CPU_FEATURES": avx512 + " X86_V4",
		"GLIBC_TUNABLES":           "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD,-FMA4",
		"MKL_CBWR":                 "AVX2,STRICT", "MKL_DYNAMIC": "FALSE",
	}
	for _, c := range []struct {
		step       Step
		date, arch string
		want       map[string]string
	}{
		{Step{}, "", "amd64", fixed("1", nil)},
		{Step{CPUs: 1}, "not a date", "amd64", fixed("1", nil)},
		{Step{CPUs: 2}, "1970-01-02T00:00:01Z", "amd64", fixed("2", map[string]string{"SOURCE_DATE_EPOCH": "86401"})},
		{Step{CPU: "native"}, "", "amd64", fixed("1", nil)},
		{Step{CPU: "portable-v2"}, "", "amd64", fixed("1", v2)},
		{Step{CPU: "portable-v3"}, "", "amd64", fixed("1", v3)},
		{Step{CPU: "portable-v3"}, "", "arm64", fixed("1", nil)},
		{Step{Env: map[string]string{"TZ": "Europe/Rome", "OMP_NUM_THREADS": "7"}}, "", "amd64", fixed("1", map[string]string{"TZ": "Europe/Rome", "OMP_NUM_THREADS": "7"})},
	} {
		c.step.Dir = "/work"
		got := c.step.Environ(c.date, c.arch)
		for name := range c.want {
			if got[name] != c.want[name] {
				t.Errorf("%+v: %s=%q, want %q", c.step, name, got[name], c.want[name])
			}
		}
		for name, value := range got {
			if _, ok := c.want[name]; !ok {
				t.Errorf("%+v: %s=%q is too much", c.step, name, value)
			}
		}
	}
}
