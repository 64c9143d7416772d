package capture

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSecretFiles(t *testing.T) {
	for name, secret := range map[string]bool{
		"/home/a/.ssh/id_ed25519": true, "/home/a/.ssh/config": true, "/home/a/.netrc": true, "/home/a/.aws/credentials": true,
		"/home/a/.config/gh/hosts.yml": true, "/home/a/.config/matplotlib/matplotlibrc": false, "/home/a/.mozilla/firefox/x/cookies.sqlite": true,
		"/home/a/.bash_history": true, "/home/a/.Rhistory": true, "/home/a/paper/.env": true, "/home/a/paper/.env.local": true, "/home/a/paper/.environment": false,
		"/home/a/paper/alice.key": true, "/home/a/paper/alice.pub": false, "/home/a/paper/alice.revoke": true, "/home/a/paper/license.dat": true,
		"/home/a/paper/key.csv": false, "/home/a/paper/token.py": false, "/home/a/paper/monkey": false, "/home/a/.cache/huggingface/token": true,
		"/usr/lib/python3.11/token.py": false, "/usr/share/doc/x.key": false, "/etc/shadow": true, "/etc/ssl/private/host.pem": true, "/etc/ssl/certs/ca.pem": false,
		"/home/a/.venv/lib/python3.11/site-packages/x/test.key": false, "/opt/x/credentials": false, "/home/a/.docker/config.json": true,
		"/run/user/1000/keyring/ssh": true, "/tmp/ssh-abc/agent.123": true, "/home/a/.kube/config": true, "/home/a/.pgpass": true, "/home/a/.gnupg/pubring.kbx": true,
		"/home/a/.Xauthority": true, "/home/a/.git-credentials": true, "/home/a/.local/share/keyrings/login.keyring": true, "/home/a/.Renviron": true,
	} {
		if got := secretFile(name) != ""; got != secret {
			t.Errorf("%s: secret %v, want %v", name, got, secret)
		}
	}
	for head, secret := range map[string]bool{
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3": true, "\n-----BEGIN PRIVATE KEY-----": true, "-----BEGIN PGP PRIVATE KEY BLOCK-----": true,
		"-----BEGIN CERTIFICATE-----": false, "-----BEGIN PUBLIC KEY-----": false, "AGE-SECRET-KEY-1QQ": true, "print('-----BEGIN PRIVATE KEY-----')": false,
	} {
		if got := secretStart([]byte(head)) != ""; got != secret {
			t.Errorf("%q: secret %v, want %v", head, got, secret)
		}
	}
}

func TestVariables(t *testing.T) {
	env := []string{
		"PATH=/bin", "HOME=/home/a", "TERM=xterm", "PYTHONPATH=/home/a/lib", "OMP_NUM_THREADS=4", "DRAWS=100", "UNUSED=1", "EMPTY=", "LC_ALL=de_DE.UTF-8",
		"GITHUB_TOKEN=abc", "API_KEY=abc", "DSN_OF_DB=x", "URL=https://me:secret@example.org/", "PYENV_TOKEN=x", "SSH_AUTH_SOCK=/tmp/x", "BASH_FUNC_x%%=() { :; }",
		"BYPASS=1", "MONKEY=1",
	}
	mentioned := map[string]bool{"DRAWS": true, "GITHUB_TOKEN": true, "URL": true, "SSH_AUTH_SOCK": true, "BYPASS": true, "MONKEY": true, "PATH": true, "EMPTY": true}
	taken, left := variables(env, mentioned)
	want := map[string]string{"PYTHONPATH": "/home/a/lib", "OMP_NUM_THREADS": "4", "DRAWS": "100", "LC_ALL": "de_DE.UTF-8", "BYPASS": "1", "MONKEY": "1"}
	if len(taken) != len(want) {
		t.Errorf("taken %v, want %v", taken, want)
	}
	for name, value := range want {
		if taken[name] != value {
			t.Errorf("%s: taken %q, want %q", name, taken[name], value)
		}
	}
	var names []string
	for _, o := range left {
		names = append(names, o.Name)
		if o.Kind != "variable" || o.Why == "" || !strings.Contains(o.Include, o.Name) {
			t.Errorf("%+v", o)
		}
	}
	if want := []string{"GITHUB_TOKEN", "URL", "PYENV_TOKEN", "SSH_AUTH_SOCK"}; !slices.Equal(names, want) {
		t.Errorf("left %q, want %q", names, want)
	}
}

func TestHideSecrets(t *testing.T) {
	args := []string{"fit", "--token=abc", "--password", "hunter2", "--key", "--quiet", "API_KEY=x", "--seed=4", "https://u:p@example.org/x", "key.csv", "--author", "Ada"}
	want := []string{"fit", "--token=(hidden)", "--password", "(hidden)", "--key", "--quiet", "API_KEY=(hidden)", "--seed=4", "(hidden)example.org/x", "key.csv", "--author", "Ada"}
	if got := hideSecrets(args); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if args[1] != "--token=abc" {
		t.Error("the arguments themselves were changed")
	}
}

func TestSearchPath(t *testing.T) {
	used := func(dir string) bool { return dir == "/home/a/bin" || dir == "/srv/tools" }
	for value, want := range map[string]string{
		"/usr/local/bin:/usr/bin:/bin":                "",
		"/opt/none:/usr/bin:/bin":                     "",
		"/home/a/bin:/usr/bin:/bin":                   "/home/a/bin:/usr/bin:/bin",
		"/usr/bin:/home/a/bin/:/home/a/bin":           "/usr/bin:/home/a/bin",
		"/bin:/usr/bin":                               "/bin:/usr/bin", // not the usual order
		"tools:/usr/bin":                              "/srv/tools:/usr/bin",
		"/usr/local/sbin:/usr/local/bin:/opt/x:/sbin": "",
	} {
		if got := searchPath(value, "/srv", used); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	s := newWordSearch([]string{"DRAWS", "SEED"}, "/home/a/paper")
	for text, want := range map[string][]string{
		"os.environ['DRAWS']":         {"DRAWS"},
		"$DRAWS/${SEED}":              {"DRAWS", "SEED"},
		"DRAWS2 MYDRAWS draws":        nil,
		"open('/home/a/paper/x.csv')": {pathFound},
		"SEED":                        {"SEED"},
	} {
		got := s.in([]byte(text))
		if len(got) != len(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
		for _, w := range want {
			if !got[w] {
				t.Errorf("%q: %v, want %s", text, got, w)
			}
		}
	}
}

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// example is a record that Parse reads.
const example = `{"repro_capture":1,"machine":{"arch":"amd64"},"folder":"/home/a/paper","packages":[],"steps":[{
"name":"all","command":["sh"],"dir":"/home/a/paper","env":{},"observed":{"way":"view","blind":[]},"started":"2026-11-01T00:00:00Z","wall_ms":1,"exit":0,
"programs":[{"parent":-1,"path":"/bin/sh","args":["sh"],"dir":"/","start_ms":0},{"parent":0,"path":"/bin/cat","args":[],"dir":"/","start_ms":1}],
"files":[{"path":"/bin/sh","digest":"` + digest + `","size":0,"read":true}],"links":[{"path":"/lib","target":"usr/lib"}],"folders":["/usr"],
"written":[{"path":"/home/a/paper/out.csv"}],"network":[],"not_taken":[]}]}`

func TestParse(t *testing.T) {
	r, err := Parse("x", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if r2, err := Parse("x", again); err != nil || r2.Step("all") == nil || r2.Step("other") != nil || len(r2.Step("all").Programs) != 2 {
		t.Errorf("read again: %v", err)
	}
	for _, bad := range []struct{ old, new, want string }{
		{`"repro_capture":1`, `"repro_capture":2`, "version 2"},
		{`"folder":"/home/a/paper"`, `"folder":"paper"`, "not a clean absolute path"},
		{`"folder":"/home/a/paper"`, `"folder":"/home/a/../paper"`, "not a clean absolute path"},
		{`"path":"/bin/sh","digest"`, `"path":"/bin/../sh","digest"`, "not a clean absolute path"},
		{`"path":"/lib"`, `"path":"lib"`, "not a clean absolute path"},
		{`"target":"usr/lib"`, `"target":""`, "leads nowhere"},
		{`["/usr"]`, `["/usr/"]`, "not a clean absolute path"},
		{`"path":"/home/a/paper/out.csv"`, `"path":"out.csv"`, "not a clean absolute path"},
		{digest, "sha256:00", "no digest"},
		{`"size":0`, `"size":-1`, "no digest or size"},
		{`"parent":0`, `"parent":1`, "its parent is 1"},
		{`"parent":-1`, `"parent":-2`, "its parent is -2"},
		{`"command":["sh"]`, `"command":[]`, "no command"},
		{`"exit":0`, `"exit":0,"more":1`, "unknown field"},
		{`"packages":[]`, `"packages":[{"kind":"deb","name":"x","version":"1","where":"/var/lib/dpkg","records":["x"]}]`, "not a clean absolute path"},
		{`"dir":"/home/a/paper","env"`, `"dir":"/a\u0000","env"`, "not a clean absolute path"},
	} {
		text := strings.Replace(example, bad.old, bad.new, 1)
		if text == example {
			t.Fatalf("%s: not in the example", bad.old)
		}
		if _, err := Parse("x", []byte(text)); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v, want %q", bad.new, err, bad.want)
		}
	}
	if _, err := Parse("x", []byte(example+"{}")); err == nil {
		t.Error("two documents were read as one")
	}
	twice := strings.Replace(example, `"steps":[`, `"steps":[`+example[strings.Index(example, `{
"name"`):len(example)-2]+",", 1)
	if _, err := Parse("x", []byte(twice)); err == nil || !strings.Contains(err.Error(), "stands there twice") {
		t.Errorf("a step twice: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"repro_capture":1,"machine":{"arch":""},"folder":"/","steps":[],"packages":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse("x", b)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse("x", again); err != nil {
			t.Fatalf("not read again: %v", err)
		}
		r.Draft(false)
	})
}

// step makes a captured step of paths below /home/a/paper: those that begin
// with "+" it wrote, with "-" it wrote over what was there, with "?" it only
// looked at, the others it read.
func step(name string, paths ...string) Step {
	s := Step{Name: name, Command: []string{"sh", name + ".sh"}}
	for _, p := range paths {
		full := "/home/a/paper/" + strings.TrimLeft(p, "+-?")
		switch p[0] {
		case '+':
			s.Written = append(s.Written, Written{Path: full, After: digest})
		case '-':
			s.Written = append(s.Written, Written{Path: full, Before: digest, After: digest})
		default:
			s.Files = append(s.Files, File{Path: full, Digest: digest, Read: p[0] != '?'})
		}
	}
	return s
}

func TestDraft(t *testing.T) {
	r := &Record{Folder: "/home/a/paper", Steps: []Step{
		step("clean", "clean.sh", "raw.csv", "?notes.txt", "+tidy/x.rds", "+tmp/scratch.o"),
		step("fit", "fit.R", "tidy/x.rds", "-fig/one.png", "state", "-state", "+.cache/x.json"),
	}}
	r.Steps[0].Files = append(r.Steps[0].Files, File{Path: "/usr/bin/sort", Read: true}, File{Path: "/home/a/paper/node_modules/x/index.js", Read: true})
	r.Steps[0].Folders, r.Steps[1].Folders = []string{"/home/a/paper/tidy"}, []string{"/home/a/paper/fig", "/home/a/paper/tidy"}
	d := r.Draft(false)
	if want := []string{"clean.sh", "fit.R"}; !slices.Equal(d.Code, want) {
		t.Errorf("code %q, want %q", d.Code, want)
	}
	if want := []string{"notes.txt", "raw.csv", "state"}; !slices.Equal(d.Data, want) {
		t.Errorf("data %q, want %q", d.Data, want)
	}
	if want := []string{"fig/one.png", "tidy/x.rds"}; !slices.Equal(d.Results, want) {
		t.Errorf("results %q, want %q", d.Results, want)
	}
	if want := []string{".cache/x.json", "fig/one.png", "tidy/x.rds", "tmp/scratch.o"}; !slices.Equal(d.Made, want) {
		t.Errorf("made %q, want %q", d.Made, want)
	}
	if left := r.Left(); len(left) != 4 || left["fig/one.png"].Before == "" || left["tidy/x.rds"].After != digest || left["tidy/x.rds"].Before != "" {
		t.Errorf("left %+v", left)
	}
	if got := d.Steps[0]; !slices.Equal(got.Inputs, []string{"raw.csv"}) || !slices.Equal(got.Outputs, []string{"tidy/x.rds"}) {
		t.Errorf("first step: %+v", got)
	}
	if got := d.Steps[1]; !slices.Equal(got.Inputs, []string{"state", "tidy/x.rds"}) || !slices.Equal(got.Outputs, []string{"fig/one.png"}) {
		t.Errorf("second step: %+v", got)
	}
}

// TestMadeFolders drafts steps that made folders: these are the outputs, unless
// something of another step, or of the author, lies there too.
func TestMadeFolders(t *testing.T) {
	for _, c := range []struct {
		name   string
		was    []string // folders that were there before the first step
		second Step
		want   []string // outputs of the first
	}{
		{"made", nil, step("b", "out/deep/a.csv", "+b.csv"), []string{"out", "top.csv"}},
		{"the inner made", []string{"out"}, step("b", "+b.csv"), []string{"out/deep", "out/x.csv", "top.csv"}},
		{"there", []string{"out", "out/deep"}, step("b", "+b.csv"), []string{"out/deep/a.csv", "out/x.csv", "top.csv"}},
		{"another's output in it", nil, step("b", "+out/b.csv"), []string{"out/deep/a.csv", "out/x.csv", "top.csv"}},
		{"data in it", nil, step("b", "out/raw.csv", "+b.csv"), []string{"out/deep/a.csv", "out/x.csv", "top.csv"}},
		{"beside another's", nil, step("b", "+output/b.csv"), []string{"out", "top.csv"}},
	} {
		first := step("a", "+out/deep/a.csv", "+out/x.csv", "+top.csv")
		for _, dir := range c.was {
			first.Folders = append(first.Folders, "/home/a/paper/"+dir)
		}
		r := &Record{Folder: "/home/a/paper", Steps: []Step{first, c.second}}
		d := r.Draft(false)
		if got := d.Steps[0].Outputs; !slices.Equal(got, c.want) {
			t.Errorf("%s: outputs %q, want %q", c.name, got, c.want)
		}
		if !slices.Contains(d.Results, "out/deep/a.csv") {
			t.Errorf("%s: results %q", c.name, d.Results)
		}
	}
	linked := step("a", "+out/x.csv", "+plots/p.csv")
	linked.Written = append(linked.Written, Written{Path: "/home/a/paper/out/latest"})
	d := (&Record{Folder: "/home/a/paper", Steps: []Step{linked}}).Draft(false)
	if got, want := d.Steps[0].Outputs, []string{"out/x.csv", "plots"}; !slices.Equal(got, want) {
		t.Errorf("with a link: outputs %q, want %q", got, want)
	}
}

func TestResultsWithoutKind(t *testing.T) {
	r := &Record{Folder: "/home/a/paper", Steps: []Step{step("make", "+main.o", "+figure.xyz", "+prog")}}
	if got := r.results(); !slices.Equal(got, []string{"figure.xyz"}) {
		t.Errorf("results %q", got)
	}
	if got := r.NotResults(); !slices.Equal(got, []string{"prog"}) {
		t.Errorf("not results %q", got)
	}
	// Without an extension, but no program that was run.
	r = &Record{Folder: "/home/a/paper", Steps: []Step{step("make", "+main.o", "+out/summary", "+.cache/x", "+prog")}}
	r.Steps[0].Programs = []Program{{Parent: -1, Path: "/home/a/paper/prog"}}
	if got := r.results(); !slices.Equal(got, []string{"out/summary"}) {
		t.Errorf("results %q", got)
	}
	if got := r.NotResults(); len(got) != 0 {
		t.Errorf("not results %q", got)
	}
	r.Steps[0].Written = append(r.Steps[0].Written, Written{Path: "/home/a/paper/t.csv", After: digest}, Written{Path: "/home/a/paper/m.bin", After: digest})
	if got, not := r.results(), r.NotResults(); !slices.Equal(got, []string{"t.csv"}) || !slices.Equal(not, []string{"m.bin", "out/summary"}) {
		t.Errorf("results %q, and not %q", got, not)
	}
	r.Steps = append(r.Steps, step("later", "m.bin"))
	if got := r.NotResults(); !slices.Equal(got, []string{"out/summary"}) {
		t.Errorf("not results %q, though a later step reads m.bin", got)
	}
	if got := (&Record{}).results(); len(got) != 0 {
		t.Errorf("results of nothing: %q", got)
	}
}

func TestInnerEnvironment(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"venv/pyvenv.cfg", "venv/bin/python", "env/conda-meta/x.json", "src/main.py", "sub/renv/library/R-4/x/DESCRIPTION"} {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for rel, want := range map[string]string{
		"venv/bin/python": "venv", "venv/pyvenv.cfg": "venv", "env/lib/x.so": "env", "src/main.py": "", "sub/renv/library/R-4/x/DESCRIPTION": "sub/renv/library", "sub/renv.lock": "", "venvs/x": "",
	} {
		if got := environmentOf(dir, rel); got != want {
			t.Errorf("%s: %q, want %q", rel, got, want)
		}
	}
}

// TestNoEnvironmentAbove: a path that is none below the folder ends the search.
func TestNoEnvironmentAbove(t *testing.T) {
	for _, rel := range []string{"/", "/a/b", ".", "a"} {
		if got := environmentOf(t.TempDir(), rel); got != "" {
			t.Errorf("%q lies in %q", rel, got)
		}
	}
}
