package capture

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"repro/build/sbom"
	"repro/format/tree"
)

// rpmMachine has rpm itself build two packages and install them into a database of
// a form, and returns its folder.
func rpmMachine(t *testing.T, backend string) string {
	t.Helper()
	base := t.TempDir()
	db := filepath.Join(base, "db")
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "HOME="+base)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("needs rpm and rpmbuild: %s: %v\n%s", args, err, out)
		}
	}
	for _, name := range []string{"tool", "other"} {
		spec := "Name: " + name + "\nVersion: 1.2\nRelease: 3\nEpoch: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n" +
			"%install\nmkdir -p %{buildroot}/opt/" + name + "/bin\necho x > %{buildroot}/opt/" + name + "/bin/run\necho y > %{buildroot}/opt/" + name + "/data.txt\n%files\n/opt/" + name + "/bin/run\n/opt/" + name + "/data.txt\n"
		file := filepath.Join(base, name+".spec")
		if err := os.WriteFile(file, []byte(spec), 0o644); err != nil {
			t.Fatal(err)
		}
		run("rpmbuild", "-bb", "--define", "_topdir "+base+"/"+name, "--define", "_rpmdir "+base+"/rpms", file)
	}
	rpms, err := filepath.Glob(base + "/rpms/noarch/*.rpm")
	if err != nil || len(rpms) != 2 {
		t.Fatalf("packages %q, %v", rpms, err)
	}
	run(append([]string{"rpm", "--define", "_db_backend " + backend, "--dbpath", db, "-i", "--justdb", "--nodeps", "--ignoreos"}, rpms...)...)
	return db
}

// TestRPM asks a database that rpm made whose files are whose, and reads the one
// that an image gets.
func TestRPM(t *testing.T) {
	for _, backend := range []string{"sqlite"} { // Debian's rpm writes no other
		t.Run(backend, func(t *testing.T) {
			db := rpmMachine(t, backend)
			o := &owners{wanted: map[string]string{"/opt/tool/bin/run": "", "/opt/none": "", "/opt/other/data.txt": "deb:known:all"}, packages: map[string]*Package{}}
			o.rpm([]string{t.TempDir(), db, "/var/lib/rpm"})
			if o.wanted["/opt/tool/bin/run"] != "rpm:tool:noarch" || o.wanted["/opt/none"] != "" {
				t.Fatalf("owners %q", o.wanted)
			}
			p := *o.packages["rpm:tool:noarch"]
			if p.Version != "1:1.2-3" || p.Where != db || p.Records == nil {
				t.Errorf("package %+v", p)
			}
			if got, want := filesOf(p), []string{"/opt/tool/bin/run", "/opt/tool/data.txt"}; !slices.Equal(got, want) {
				t.Errorf("files %q, want %q", got, want)
			}
			c := &closing{record: &Record{}, packages: []Package{p}, root: tree.NewDir(), sums: map[string]Sum{}}
			c.metadata()
			text := c.root.Lookup("/var/lib/rpm/Packages.db")
			if text == nil || c.failed() != nil {
				t.Fatalf("no database: %v", c.failed())
			}
			if err := c.root.Put("/opt/tool/bin/run", tree.NewFile(0o755, []byte("x"))); err != nil {
				t.Fatal(err)
			}
			inventory, err := sbom.Read(t.Context(), c.root)
			if err != nil || len(inventory.Packages) != 1 || inventory.Packages[0].Version != "1:1.2-3" || inventory.Packages[0].Licences[0] != "MIT" {
				t.Errorf("bill of materials %+v, %v", inventory, err)
			}
			before := text
			c.rpm()
			if c.root.Lookup("/var/lib/rpm/Packages.db") != before {
				t.Error("a database that was there is written anew")
			}
		})
	}
}

func TestRPMDamaged(t *testing.T) {
	dir := plant(t, map[string]string{"rpmdb.sqlite": "not a database", "Packages.db": "RpmP"})
	o := &owners{wanted: map[string]string{"/opt/x": ""}, packages: map[string]*Package{}}
	o.rpm([]string{dir})
	if o.wanted["/opt/x"] != "" || len(o.packages) != 0 {
		t.Errorf("owners %q of a damaged database", o.wanted)
	}
	if err := sbom.RPMPackages("Packages.txt", nil, nil); err == nil {
		t.Error("a form that there is not is read")
	}
}
