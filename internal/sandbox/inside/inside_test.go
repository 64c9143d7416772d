//go:build linux && (amd64 || arm64)

package inside

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestImports holds the package to what makes it come early. What waits for
// unicode comes after all that other modules have to initialise.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(strings.Fields(string(out)), "unicode") {
		t.Errorf("imports unicode, by one of these:\n%s", out)
	}
}

var sampleRequest = Request{
	Lower: []Source{{Path: "/a"}, {File: 3, Device: true}}, Scratch: Source{File: 1}, Overlay: true,
	Args: []string{"x", ""}, Dir: "/d", Env: []string{"A=b"}, Inputs: []string{"i"}, Outputs: []string{"o", "p"},
	Limits: Limits{Time: time.Hour, Memory: 1, FileSize: 2, Disk: 3, Files: 4, Processes: 5, OpenFiles: -1}, Memory: 7,
	CPUs: []int{0, 63}, Net: true, Filter: []byte{1, 2, 3}, WithoutProc: true, Processors: 9, FixedAddresses: true,
	Devices: []Device{{Source: "/dev/x", Name: "x"}},
	Binds:   []Bind{{Source: Source{Path: "/s"}, Target: "/t", Write: true, Dir: true}},
	Group:   1, Stdin: 2, Stdout: 3, Stderr: 4, Terminal: 5,
}

var sampleOutcome = Outcome{
	Stage: StageDone, What: "w", Errno: 1, Text: "t", Missing: []string{"m"}, Exit: -1, Signal: 9, OutOfMemory: true, OverDisk: true,
	Full: "f", CPU: 1 << 40, MaxRSS: 2, Written: 3,
	Isolation: Isolation{Proc: true, Pivoted: true, Clocks: true, Landlock: 6, Group: true, NoGroup: "n"},
}

// TestMessages sends messages in which every exported field is set.
func TestMessages(t *testing.T) {
	for _, tt := range []struct{ sent, got message }{{&sampleRequest, new(Request)}, {&sampleOutcome, new(Outcome)}} {
		v := reflect.ValueOf(tt.sent).Elem()
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && v.Field(i).IsZero() {
				t.Errorf("%T: %s is not tested", tt.sent, f.Name)
			}
		}
		var b bytes.Buffer
		if err := Send(&b, tt.sent); err != nil {
			t.Fatal(err)
		}
		if err := Receive(&b, tt.got); err != nil || !reflect.DeepEqual(tt.sent, tt.got) {
			t.Errorf("%v: sent %+v, got %+v", err, tt.sent, tt.got)
		}
	}
	large := Request{Args: []string{strings.Repeat("x", maxMessage)}}
	if err := Send(new(bytes.Buffer), &large); err == nil {
		t.Error("a message over the limit was sent")
	}
}

func FuzzReceive(f *testing.F) {
	for _, m := range []message{&sampleRequest, &sampleOutcome} {
		var b bytes.Buffer
		if err := Send(&b, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range []message{new(Request), new(Outcome)} {
			_ = Receive(bytes.NewReader(b), m)
		}
	})
}

// TestFiles hands over more files than one message takes.
func TestFiles(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	for _, n := range []int{0, 1, filesAtOnce, filesAtOnce + 1} {
		fds := slices.Repeat([]int{pair[0]}, n)
		if err := SendFiles(pair[0], fds); err != nil {
			t.Fatal(err)
		}
		got, err := ReceiveFiles(pair[1], n)
		if err != nil || len(got) != n {
			t.Errorf("%d files: %d, %v", n, len(got), err)
		}
		for _, fd := range got {
			unix.Close(fd)
		}
	}
	if err := SendFiles(pair[0], []int{0, 1}); err != nil {
		t.Fatal(err)
	}
	if got, err := ReceiveFiles(pair[1], 1); err == nil {
		t.Errorf("more files than wanted: %v", got)
	}
}

// TestText holds the helpers against package strings.
func TestText(t *testing.T) {
	for _, s := range []string{"", "/", "a/b//c/", " x\t y ", "a b\tc"} {
		if got, want := slices.Collect(parts(s, '/')), strings.Split(s, "/"); !slices.Equal(got, want) {
			t.Errorf("parts(%q) = %q", s, got)
		}
		if got, want := fields(s), strings.Fields(s); !slices.Equal(got, want) {
			t.Errorf("fields(%q) = %q", s, got)
		}
		for _, part := range []string{"", "b", "b/", "zz"} {
			if contains(s, part) != strings.Contains(s, part) {
				t.Errorf("contains(%q, %q)", s, part)
			}
			got, _ := cutPrefix(s, part)
			if want, _ := strings.CutPrefix(s, part); got != want {
				t.Errorf("cutPrefix(%q, %q) = %q", s, part, got)
			}
		}
	}
}

func TestFirstDir(t *testing.T) {
	dir := t.TempDir()
	file, link := dir+"/file", dir+"/link"
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{[]string{dir, "/"}, dir},
		{[]string{dir + "/absent", file, link, dir, "/"}, dir}, // a link may lead anywhere
		{[]string{dir + "/absent", "/also absent"}, "/also absent"},
	} {
		if got := firstDir(tt.names); got != tt.want {
			t.Errorf("%q: %q", tt.names, got)
		}
	}
}
