package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/engine/container"
	"repro/engine/local"
)

func TestMounts(t *testing.T) {
	m := mounts{dir: "/home/a/p.run", image: "/home/a/p.sif", program: "/usr/bin/repro", list: &[]container.Mount{}}
	for _, tt := range []struct{ file, want string }{
		{"/home/a/p.run", "/.repro/run"}, {"/home/a/p.sif", "/.repro/image.sif"}, {"/usr/bin/repro", "/.repro/repro"},
		{"/keys/a.pub", "/.repro/files/3/a.pub"}, {"/other/a.pub", "/.repro/files/4/a.pub"}, {"/keys/a.pub", "/.repro/files/3/a.pub"},
	} {
		if got, err := m.at(tt.file); err != nil || got != tt.want {
			t.Errorf("%s: %s, %v, want %s", tt.file, got, err, tt.want)
		}
	}
	for _, have := range *m.list {
		if have.Write != (have.Source == m.dir) {
			t.Errorf("%+v: only the run's folder is written to", have)
		}
	}
	if len(*m.list) != 5 {
		t.Errorf("%+v", *m.list)
	}
	if _, err := m.at("/a,readonly=false"); err == nil {
		t.Error("a comma in a name adds options to a mount")
	}
}

func TestClaim(t *testing.T) {
	mount := t.TempDir()
	dir := filepath.Join(mount, "paper.run")
	c, err := newClaim(mount, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.at(dir); err != nil || got != "/.repro/paper.run" {
		t.Errorf("%s, %v", got, err)
	}
	outside := filepath.Join(t.TempDir(), "a.pub")
	if err := os.WriteFile(outside, []byte("key"), 0o755); err != nil {
		t.Fatal(err)
	}
	var names []string
	for range 2 {
		got, err := c.at(outside)
		if err != nil || !strings.HasPrefix(got, "/.repro/paper.run/jobs/files/") || filepath.Base(got) != "a.pub" {
			t.Fatalf("%s, %v", got, err)
		}
		copied := filepath.Join(mount, strings.TrimPrefix(got, "/.repro/"))
		b, err := os.ReadFile(copied)
		info, statErr := os.Stat(copied)
		if err != nil || statErr != nil || string(b) != "key" || info.Mode().Perm() != 0o755 {
			t.Errorf("%q, %v, %v", b, err, info.Mode())
		}
		names = append(names, got)
	}
	if names[0] != names[1] {
		t.Errorf("copied twice: %q", names)
	}
	if err := os.WriteFile(outside, []byte("another"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := c.at(outside); err != nil || got == names[0] {
		t.Errorf("another content under the same name: %s, %v", got, err)
	}
	for _, bad := range []string{mount, filepath.Dir(mount), "/elsewhere"} {
		if _, err := newClaim(mount, bad); err == nil {
			t.Errorf("%s was taken for a folder of the storage", bad)
		}
	}
	if _, err := newClaim("", dir); err == nil {
		t.Error("no mount")
	}
	if _, err := c.at(t.TempDir()); err == nil {
		t.Error("a folder was copied")
	}
}

func TestEngineOptions(t *testing.T) {
	own, extra, err := ownOptions([]string{"image=a=b", "--context=lab", "-v"}, "image")
	if err != nil || own["image"] != "a=b" || !slices.Equal(extra, []string{"--context=lab", "-v"}) {
		t.Errorf("%v %v %v", own, extra, err)
	}
	if _, _, err := ownOptions([]string{"imagee=a"}, "image"); err == nil {
		t.Error("an unknown option")
	}
	for text, want := range map[string]int{"": max(0, os.Getuid()), "7": 7, "0": -1, "-1": -1, "x": -1, "99999999999": -1} {
		if got, err := userOf(text); (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("user=%s: %d, %v", text, got, err)
		}
	}
	for _, p := range []placement{
		{dir: "/m/r", options: []string{"mount=/m", "efs=f", "image=i"}}, {where: "q", dir: "/m/r", options: []string{"mount=/m", "image=i"}},
		{where: "q", dir: "/m/r", options: []string{"mount=/m", "efs=f", "host=/h", "image=i"}}, {where: "q", dir: "/m/r", options: []string{"mount=/m", "efs=f"}, Container: &Container{}},
		{where: "q", dir: "/x", options: []string{"mount=/m", "efs=f", "image=i"}},
	} {
		if _, err := openAWSBatch(p); err == nil {
			t.Errorf("%+v", p)
		}
	}
	for _, options := range [][]string{{"mount=/m"}, {"claim=c"}, {"claim=c", "mount=/other"}, {"claim=c", "mount=/m", "user=0"}} {
		if _, err := openKubernetes(placement{dir: "/m/r", options: options}); err == nil {
			t.Errorf("%q", options)
		}
	}
}

// A worker in a container lets its step see nothing but the container's root.
func TestContainedWorker(t *testing.T) {
	for name, tt := range map[string]struct {
		image string
		o     Options
		good  bool
	}{
		"all hidden":       {"/.repro/a.sif", Options{Dir: "/.repro/run"}, true},
		"the image":        {"/tmp/a.sif", Options{Dir: "/.repro/run"}, false},
		"the run":          {"/.repro/a.sif", Options{Dir: "/tmp/run"}, false},
		"a way out":        {"/.repro/../a.sif", Options{Dir: "/.repro/run"}, false},
		"a like name":      {"/.reprox/a.sif", Options{Dir: "/.repro/run"}, false},
		"scratch":          {"/.repro/a.sif", Options{Dir: "/.repro/run", Scratch: "/tmp"}, false},
		"the network":      {"/.repro/a.sif", Options{Dir: "/.repro/run", Host: local.Options{Net: true}}, false},
		"a folder's files": {"/.repro/a.sif", Options{Dir: "/.repro/run", Host: local.Options{Binds: []local.Bind{{Source: "/a", Target: "/b"}}}}, false},
	} {
		tt.o.Host.Isolation = local.IsolationContainer
		if err := checkContained(tt.image, &tt.o); (err == nil) != tt.good || err != nil && !errors.Is(err, ErrMachine) {
			t.Errorf("%s: %v", name, err)
		}
		if tt.good && tt.o.Scratch != "/.repro/run" {
			t.Errorf("%s: scratch %q", name, tt.o.Scratch)
		}
		tt.o.Host.Isolation = local.IsolationFull
		if err := checkContained(tt.image, &tt.o); err != nil {
			t.Errorf("%s, in a sandbox: %v", name, err)
		}
	}
}

func TestProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkProgram(self); err != nil && !strings.Contains(err.Error(), "not static") {
		t.Error(err)
	}
	for _, name := range []string{"/bin/sh", "containers_test.go", "/nowhere"} {
		if err := checkProgram(name); !errors.Is(err, ErrMachine) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is secret stands in no command line and no file that others read, nor in the
// error that says so.
func TestRefuseSecrets(t *testing.T) {
	for option, good := range map[string]bool{
		"--token=s3cret": false, "--token": false, "--password=s3cret": false,
		"--tokens=x": true, "--context=lab": true, "--kubeconfig=/home/a/token": true, "--token-file=x": true,
	} {
		err := refuseSecrets([]string{"--context=a", option})
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", option, err)
		}
	}
	p := placement{where: "lab", options: []string{"claim=c", "mount=" + t.TempDir(), "--token=s3cret"}}
	if _, err := openKubernetes(p); err == nil || !strings.Contains(err.Error(), "--token") {
		t.Error(err)
	}
}
