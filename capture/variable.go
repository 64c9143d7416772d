package capture

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Which variables a program asks for cannot be seen. A step gets (CAP-9) those that
// are known to steer interpreters, libraries and loaders, and those whose names
// stand in the experiment's own files.

// steering are variables that change what programs load or compute; those that
// end in "*" are beginnings.
var steering = []string{
	"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONWARNINGS", "PYTHONUTF8", "PYTHONOPTIMIZE", "PYTHONHASHSEED",
	"VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYENV_*", "PIPENV_*", "MAMBA_ROOT_PREFIX",
	"R_HOME", "R_LIBS", "R_LIBS_USER", "R_LIBS_SITE", "R_PROFILE*", "R_ENVIRON*", "RENV_PATHS_*", "R_DEFAULT_PACKAGES",
	"JULIA_*", "PERL5LIB", "PERL5OPT", "RUBYLIB", "RUBYOPT", "GEM_HOME", "GEM_PATH", "NODE_PATH", "NODE_OPTIONS", "LUA_PATH", "LUA_CPATH", "OCTAVE_PATH", "MATLABPATH",
	"JAVA_HOME", "CLASSPATH", "JAVA_TOOL_OPTIONS", "CARGO_HOME", "RUSTUP_HOME", "RUSTFLAGS",
	"LD_LIBRARY_PATH", "LD_PRELOAD", "LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "PKG_CONFIG_PATH", "GLIBC_TUNABLES", "MALLOC_*",
	"CC", "CXX", "FC", "F77", "CFLAGS", "CXXFLAGS", "FFLAGS", "FCFLAGS", "CPPFLAGS", "LDFLAGS", "LDLIBS", "MAKEFLAGS",
	"OMP_*", "GOMP_*", "KMP_*", "MKL_*", "OPENBLAS_*", "BLIS_*", "VECLIB_*", "NUMEXPR_*", "NPY_*", "NUMBA_*", "XLA_*", "JAX_*", "TF_ENABLE_*", "TF_DETERMINISTIC_*", "TF_FORCE_*", "TF_XLA_*", "TF_USE_*", "CUBLAS_*", "CUDA_VISIBLE_DEVICES",
	"OMPI_*", "PMIX_*", "PRTE_*", "MPICH_*", "I_MPI_*", "UCX_*",
	"MPLBACKEND", "MPLCONFIGDIR", "GDAL_DATA", "PROJ_LIB", "PROJ_DATA", "LC_*", "LANG", "LANGUAGE", "TZ",
	"MODULEPATH", "LOADEDMODULES", "LMOD_*", "SPACK_ROOT", "GUIX_*", "GI_TYPELIB_PATH", "XDG_DATA_DIRS", "TERMINFO",
}

// ofSession are variables that only say where and for whom a session runs.
var ofSession = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "TERM", "SHLVL", "_", "HOSTNAME", "TMPDIR", "MAIL", "DISPLAY", "COLUMNS", "LINES", "LS_COLORS", "EDITOR", "PAGER"}

func steers(name string) bool {
	return slices.ContainsFunc(steering, func(s string) bool {
		start, many := strings.CutSuffix(s, "*")
		return name == s || many && strings.HasPrefix(name, start)
	})
}

// variables chooses those that a step is to have. Mentioned are the names that
// stand in the experiment's files.
func variables(env []string, mentioned map[string]bool) (taken map[string]string, left []Omission) {
	taken = map[string]string{}
	for _, e := range env {
		name, value, ok := strings.Cut(e, "=")
		if !ok || !variableName(name) || value == "" || slices.Contains(ofSession, name) || !steers(name) && !mentioned[name] {
			continue
		}
		if why := secretVariable(name, value); why != "" {
			left = append(left, Omission{Kind: "variable", Name: name, Why: why, Include: fmt.Sprintf("write it under env of the step: %s: …", name)})
			continue
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
			continue
		}
		taken[name] = value
	}
	return taken, left
}

func variableName(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}

// usualPath is where programs are looked for in every image.
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// searchPath is the value of PATH without folders that the step never used; ""
// if what is left is the usual one.
func searchPath(value, dir string, used func(folder string) bool) string {
	var kept []string
	for folder := range strings.SplitSeq(value, ":") {
		if folder == "" || !path.IsAbs(folder) {
			folder = path.Join(dir, folder)
		}
		folder = path.Clean(folder)
		usual := slices.Contains(strings.Split(usualPath, ":"), folder)
		if !slices.Contains(kept, folder) && (usual || used(folder)) {
			kept = append(kept, folder)
		}
	}
	at := 0
	for _, folder := range strings.Split(usualPath, ":") { // the same order as usual?
		if at < len(kept) && kept[at] == folder {
			at++
		}
	}
	if at == len(kept) {
		return ""
	}
	return strings.Join(kept, ":")
}
