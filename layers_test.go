package repro

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers lists the packages of this module, top to bottom. A package imports
// only from layers below its own; packages of one layer never import each other.
var layers = [][]string{
	{
		"cmd/repro",
		"cmd/repro-gateway",
		"internal/bench",
		"internal/bench/sandboxed",
		"internal/bench/verifier",
		"internal/mutate",
		"internal/testlog",
	},
	{
		"gateway",
	},
	{
		"gateway/pages",
	},
	{
		"gateway/rerun",
		"gateway/signoff",
		"gateway/upload",
	},
	{
		"gateway/access",
		"gateway/operate",
	},
	{
		"gateway/blind",
		"gateway/identity",
		"gateway/store",
	},
	{
		"gateway/store/storetest",
	},
	{
		"cli",
	},
	{
		"report/view",
		"run/calibrate",
		"run/workflow",
	},
	{
		"publish/repository",
	},
	{
		"archive",
		"attest",
		"diff",
		"run",
	},
	{
		"archive/anonymous",
		"archive/bagit",
		"archive/rocrate",
		"archive/submission",
	},
	{
		"archive/pages",
		"archive/provenance",
	},
	{
		"archive/deposit",
	},
	{
		"archive/container",
	},
	{
		"build",
		"build/oci",
		"compare",
		"publish/fetch",
		"publish/registry",
		"publish/release",
		"publish/submit",
		"sign",
		"verify",
	},
	{
		"engine/awsbatch",
		"engine/container",
		"engine/kubernetes",
	},
	{
		"capture",
		"engine/htcondor",
		"engine/local",
		"engine/slurm",
		"run/checkpoint",
		"run/shared",
	},
	{
		"recipe/draft",
		"report/codecheck",
		"run/folder",
		"run/lease",
		"run/outputs",
		"run/plan",
		"run/processor",
		"run/rootfs",
	},
	{
		"verify/bundle/bundletest",
		"verify/policy",
	},
	{
		"sign/timestamp",
		"verify/bundle",
		"verify/timestamp/timestamptest",
	},
	{
		"build/host",
		"build/sbom",
		"format",
		"publish/stranger",
		"internal/mount",
		"internal/sandbox",
		"key/store",
		"recipe",
		"verify/attestation",
		"verify/timestamp",
	},
	{
		"attest/statement",
		"format/signature",
		"format/timerecord",
	},
	{
		"format/pieces",
		"format/squashfs",
		"format/verity",
		"key",
		"report",
	},
	{
		"format/bundle",
		"format/manifest",
		"format/tree",
	},
	{
		"internal/ods",
	},
	{
		"internal/arrow",
		"internal/postscript",
		"internal/sqlite",
		"internal/svg",
	},
	{
		"capture/observe",
		"internal/dbase",
		"internal/fits",
		"internal/hdf5",
		"internal/mat",
		"internal/netcdf",
		"internal/newick",
		"internal/nifti",
		"internal/npy",
		"internal/parquet",
		"internal/rdata",
		"internal/sequence",
		"internal/spss",
		"internal/stata",
		"internal/tiff",
		"internal/vcf",
		"internal/xlsx",
		"internal/xport",
	},
	{
		"internal/spdx",
	},
	{
		"examples",
		"internal/atomicfile",
		"internal/blockcache",
		"internal/codec",
		"internal/filename",
		"internal/form",
		"internal/lookalike",
		"internal/pdf",
		"internal/progress",
		"internal/raster",
		"internal/rmtree",
		"internal/sandbox/inside",
		"internal/stream",
	},
	{
		"internal/witness",
	},
	{
		"engine/enginetest",
		"engine/htcondor/condortest",
		"engine/slurm/slurmtest",
		"publish/repository/repositorytest",
	},
	{
		"compare/draws",
		"compare/kinds",
		"engine",
		"internal/drawing",
		"internal/distinfo",
		"internal/filestat",
		"internal/ndarray",
		"internal/notebook",
		"internal/pattern",
		"internal/sandbox/kernel",
	},
	{
		"internal/badfile",
	},
}

// owners says which packages may import an outside module. A module that is
// not listed may not be imported outside tests.
var owners = map[string]string{
	"github.com/github/go-spdx/v2":           "internal/spdx",
	"github.com/urfave/cli/v2":               "cli",
	"github.com/schollz/progressbar/v3":      "cli",
	"golang.org/x/term":                      "cli",
	"github.com/sylabs/sif/v2":               "format sign verify format/signature",
	"github.com/sigstore/sigstore":           "key",
	"github.com/ProtonMail/go-crypto":        "key format/signature",
	"github.com/klauspost/compress":          "internal/codec",
	"github.com/ulikunitz/xz":                "internal/codec",
	"github.com/pierrec/lz4/v4":              "internal/codec",
	"github.com/hanwen/go-fuse/v2":           "internal/mount capture/observe",
	"github.com/google/go-containerregistry": "build/oci publish/registry",
	"go.yaml.in/yaml/v3":                     "internal/form compare",
	"golang.org/x/sys":                       "internal/sandbox internal/mount internal/atomicfile format/tree capture/observe",
	"golang.org/x/text":                      "internal/filename internal/lookalike",
	"mvdan.cc/sh/v3":                         "build",
	"gonum.org/v1/gonum":                     "compare/draws",
	"github.com/BurntSushi/toml":             "recipe/draft publish/registry",
	"github.com/rogpeppe/go-internal":        "internal/bench",
	"github.com/klippa-app/go-pdfium":        "internal/pdf",
	"github.com/tetratelabs/wazero":          "internal/pdf",
	"github.com/transparency-dev/merkle":     "verify/bundle",
	"github.com/transparency-dev/formats":    "verify/bundle",
	"golang.org/x/mod":                       "verify/bundle",
	"modernc.org/sqlite":                     "gateway/store",
	"github.com/jackc/pgx/v5":                "gateway/store",
	"github.com/coreos/go-oidc/v3":           "gateway/identity",
	"golang.org/x/oauth2":                    "gateway/identity",
	"golang.org/x/sync":                      "*",
}

// rooms says which packages may import one of ours that only they are to know.
var rooms = map[string]string{
	"internal/sandbox":        "engine/local internal/bench/sandboxed",
	"internal/sandbox/inside": "internal/sandbox",
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Module     *struct{ Path string }
	Standard   bool
}

// TestLayers holds the direction of imports and the owner of each outside
// module. If it stops you, the thing you need probably belongs one layer lower.
func TestLayers(t *testing.T) {
	packages := listPackages(t)
	modules := map[string]string{} // import path → module
	for _, p := range packages {
		if p.Module != nil {
			modules[p.ImportPath] = p.Module.Path
		}
	}
	level := map[string]int{}
	for i, line := range layers {
		for _, name := range line {
			level[name] = i
		}
	}
	for _, p := range packages {
		name, ours := strings.CutPrefix(p.ImportPath, "repro/")
		if !ours {
			continue
		}
		if strings.HasPrefix(name, "internal/vectors") || strings.HasPrefix(name, "script/") {
			continue // programs that make test data
		}
		mine, known := level[name]
		if !known {
			t.Errorf("package %s stands in no layer of the list", name)
			continue
		}
		for _, imported := range p.Imports {
			if imported == "repro" { // SPEC.md as bytes
				if name != "cli" {
					t.Errorf("%s imports the root, which is for cli", name)
				}
				continue
			}
			if other, ok := strings.CutPrefix(imported, "repro/"); ok {
				if only, ok := rooms[other]; ok && !slices.Contains(strings.Fields(only), name) {
					t.Errorf("%s imports %s, which is for %q", name, other, only)
				}
				if theirs, known := level[other]; known && theirs <= mine {
					t.Errorf("%s imports %s, which does not stand below it", name, other)
				}
			} else if module := modules[imported]; module != "" && !owns(name, module) {
				t.Errorf("%s imports %s, but module %s belongs to %q", name, imported, module, owners[module])
			}
		}
	}
}

func owns(name, module string) bool {
	return owners[module] == "*" || slices.Contains(strings.Fields(owners[module]), name)
}

func listPackages(t *testing.T) []goPackage {
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Module,Standard", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if !p.Standard {
			packages = append(packages, p)
		}
	}
}
