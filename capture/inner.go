package capture

import (
	"os"
	"path"
	"strings"
)

// marks are what lies in a folder that is an environment: a venv, a conda
// prefix, what renv and npm install.
var marks = []string{"pyvenv.cfg", "conda-meta"}

// innerFolders are environments by their place.
var innerFolders = []string{"renv/library", "renv/staging", "packrat/lib", "node_modules", ".pixi", "__pypackages__", ".julia"}

// isEnvironment reports whether rel, a path below the experiment's folder, lies
// in an environment there: CAP-6.
func isEnvironment(folder, rel string) bool { return environmentOf(folder, rel) != "" }

// environmentOf returns the environment in the experiment's folder in which rel
// lies, relative to the folder; "" if in none.
func environmentOf(folder, rel string) string {
	for _, inner := range innerFolders {
		if at := strings.Index("/"+rel+"/", "/"+inner+"/"); at >= 0 {
			return rel[:at+len(inner)]
		}
	}
	for dir := rel; dir != "." && dir != "/"; dir = path.Dir(dir) {
		for _, mark := range marks {
			if _, err := os.Lstat(path.Join(folder, dir, mark)); err == nil {
				return dir
			}
		}
	}
	return ""
}
