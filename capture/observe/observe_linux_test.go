//go:build amd64 || arm64

package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// ways are those that this machine offers. That one is missing is said aloud.
func ways(t *testing.T, test func(*testing.T, Way)) {
	for _, way := range []Way{View, Calls} {
		t.Run(string(way), func(t *testing.T) { test(t, way) })
	}
}

// trial runs a shell script in a folder that holds files, name by content.
type trial struct {
	*Observation
	dir string
	out string
}

func try(t *testing.T, way Way, files map[string]string, args ...string) trial {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, scratch := filepath.Join(base, "work"), filepath.Join(base, "scratch")
	for _, d := range []string{dir, scratch} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if len(args) == 1 {
		args = []string{"/bin/sh", "-c", args[0]}
	}
	var out bytes.Buffer
	o, err := Run(t.Context(), Command{
		Args: args, Dir: dir, Own: dir, Scratch: scratch, Way: way, Stdout: &out, Stderr: &out,
		Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir},
	})
	if errors.Is(err, ErrUnavailable) {
		t.Skipf("this machine does not offer it: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return trial{o, dir, out.String()}
}

// access returns how a file was used, by its path below the working folder or
// an absolute one.
func (r trial) access(name string) Access {
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.dir, name)
	}
	for _, f := range r.Files {
		if f.Path == name {
			return f.Access
		}
	}
	return 0
}

func (r trial) change(name string) *Change {
	for _, c := range r.Changes {
		if c.Path == filepath.Join(r.dir, name) {
			return &c
		}
	}
	return nil
}

func content(t *testing.T, name string) string {
	t.Helper()
	if name == "" {
		return "(nothing)"
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadAndWrite(t *testing.T) {
	ways(t, func(t *testing.T, way Way) {
		r := try(t, way, map[string]string{"in.txt": "one\n", "old.txt": "old\n", "other": "x", "empty": ""},
			"cat in.txt empty > out.txt; echo new > old.txt; test -e other; test -e missing; exit 3")
		if r.Exit != 3 || r.Signal != "" || r.Way != way {
			t.Errorf("exit %d, signal %q, way %s", r.Exit, r.Signal, r.Way)
		}
		if r.access("in.txt")&Read == 0 || r.access("empty")&Read == 0 {
			t.Errorf("in.txt %b, empty %b: want them read", r.access("in.txt"), r.access("empty"))
		}
		if got := r.access("other"); got&Looked == 0 || got&Read != 0 {
			t.Errorf("other: %b, want looked at only", got)
		}
		if got := r.access("missing"); got != 0 {
			t.Errorf("missing: %b", got)
		}
		if c := r.change("out.txt"); c == nil || c.Before != "" || content(t, c.After) != "one\n" {
			t.Errorf("out.txt: %+v", c)
		}
		c := r.change("old.txt")
		if c == nil || content(t, c.Before) != "old\n" || content(t, c.After) != "new\n" {
			t.Fatalf("old.txt: %+v", c)
		}
		if r.access("old.txt")&Read != 0 {
			t.Error("old.txt was only written")
		}
		if err := c.Undo(); err != nil || content(t, filepath.Join(r.dir, "old.txt")) != "old\n" {
			t.Errorf("undone: %v, %q", err, content(t, filepath.Join(r.dir, "old.txt")))
		}
		if err := r.change("out.txt").Keep(); err != nil || content(t, filepath.Join(r.dir, "out.txt")) != "one\n" {
			t.Errorf("kept: %v", err)
		}
	})
}

func TestReadChangedRead(t *testing.T) {
	ways(t, func(t *testing.T, way Way) {
		r := try(t, way, map[string]string{"counter": "1"}, "read n < counter; echo $((n+1)) > counter; cat counter; rm -f tmp; echo t > tmp; mv tmp counter2; rm counter")
		if r.out != "2\n" {
			t.Fatalf("printed %q", r.out)
		}
		if r.access("counter")&Read == 0 {
			t.Error("counter: want it read")
		}
		if c := r.change("counter"); c == nil || content(t, c.Before) != "1" || c.After != "" {
			t.Errorf("counter: %+v, want its first content, and that it is gone", c)
		}
		if c := r.change("counter2"); c == nil || content(t, c.After) != "t\n" {
			t.Errorf("counter2: %+v, want what was renamed into place", c)
		}
		if c := r.change("tmp"); c != nil {
			t.Errorf("tmp: %+v, want nothing: it came and went", c)
		}
	})
}

// TestUpdated opens files to be changed: what was read before that is read, and
// what is added to; what is emptied is not.
func TestUpdated(t *testing.T) {
	const script = `
import os
def change(name, flags):
    fd = os.open(name, flags)
    os.write(fd, b"new")
    os.close(fd)
open("read").read()
for name in "read", "unread", "../work/target": change(name, os.O_RDWR)
change("only", os.O_WRONLY)
change("added", os.O_WRONLY | os.O_APPEND)
change("emptied", os.O_RDWR | os.O_TRUNC)
os.close(os.open("asked", os.O_RDWR))
`
	ways(t, func(t *testing.T, way Way) {
		files := map[string]string{"script.py": script}
		for _, name := range []string{"read", "unread", "target", "only", "added", "emptied", "asked"} {
			files[name] = "what it held"
		}
		o := try(t, way, files, "/usr/bin/python3", "script.py")
		got := map[string]Access{}
		for _, f := range o.Files {
			got[filepath.Base(f.Path)] = f.Access & (Read | Updated)
		}
		for name, want := range map[string]Access{"unread": Updated, "target": Updated, "only": Updated, "asked": Updated, "added": Read, "emptied": 0} {
			if got[name] != want {
				t.Errorf("%s: access %b, want %b", name, got[name], want)
			}
		}
		if got["read"]&Read == 0 {
			t.Errorf("read: access %b, want it read", got["read"])
		}
	})
}

func TestFolderRenamed(t *testing.T) {
	ways(t, func(t *testing.T, way Way) {
		r := try(t, way, nil, "mkdir a a/b; echo 1 > a/b/f; mv a z; echo 2 > z/g")
		for name, want := range map[string]string{"z/b/f": "1\n", "z/g": "2\n"} {
			if c := r.change(name); c == nil || content(t, c.After) != want {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if c := r.change("a/b/f"); c != nil {
			t.Errorf("a/b/f: %+v", c)
		}
	})
}

func TestPrograms(t *testing.T) {
	ways(t, func(t *testing.T, way Way) {
		r := try(t, way, map[string]string{"s.sh": "#!/bin/sh\necho $1; (/bin/cat s.sh >/dev/null); exec /bin/true\n"}, "./s.sh a b; true")
		var got []string
		for _, p := range r.Programs {
			up := "-"
			if p.Parent >= 0 {
				up = filepath.Base(r.Programs[p.Parent].Path)
			}
			got = append(got, up+">"+filepath.Base(p.Path))
		}
		if want := "->sh sh>s.sh s.sh>cat s.sh>true"; strings.Join(got, " ") != want {
			t.Errorf("programs %q, want %q", got, want)
		}
		if r.Programs[1].Dir != r.dir || !slices.Equal(r.Programs[1].Args, []string{"./s.sh", "a", "b"}) {
			t.Errorf("second program: %+v", r.Programs[1])
		}
		if r.access("s.sh")&Read == 0 {
			t.Error("s.sh: want it read")
		}
	})
}

// compile makes a program of C with some flags, or skips.
func compile(t *testing.T, source string, flags ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("gcc", append([]string{"-x", "c", "-o", name, "-"}, flags...)...)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("gcc %q: %v\n%s", flags, err, out)
	}
	return name
}

// callsProgram reads f0 to f4 in five ways, two of them in a thread and in a
// child made with vfork.
const callsProgram = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static void *thread(void *p) { char b[4]; int fd = open("f1", O_RDONLY); if (read(fd, b, 1) != 1) exit(11); return 0; }
int main(int argc, char **argv) {
	char b[64];
	struct { unsigned long long flags, mode, resolve; } how = {0, 0, 0};
	int fd = syscall(437, AT_FDCWD, "f0", &how, sizeof how);
	if (fd < 0 || read(fd, b, 1) != 1) return 10;
	pthread_t t; pthread_create(&t, 0, thread, 0); pthread_join(t, 0);
	fd = open("f2", O_RDONLY);
	char *m = mmap(0, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m == MAP_FAILED || *m != 'x') return 12;
	if (vfork() == 0) { execl("/bin/cat", "cat", "f3", (char *)0); _exit(1); }
	int st; wait(&st); if (st) return 13;
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	fd = openat(dir, "./f4", O_RDONLY); if (read(fd, b, 1) != 1) return 14;
	if (syscall(425, 8, b) != -1) return 15;
	ssize_t n = readlink("/proc/self/exe", b, sizeof b - 1); if (n <= 0) return 16;
	int self = open("/proc/self/exe", O_RDONLY); if (read(self, b, 4) != 4 || memcmp(b, "\177ELF", 4)) return 17;
	int bin = open("/bin/true", O_RDONLY | O_CLOEXEC);
	char *none[] = {"true", 0}, *env[] = {0};
	if (fork() == 0) { syscall(SYS_execveat, bin, "", none, env, 0x1000); _exit(1); }
	wait(&st); if (st) return 18;
	puts("fine");
	return 0;
}
`

func TestSystemCalls(t *testing.T) {
	for _, build := range [][]string{{"-O1", "-pthread"}, {"-static", "-pthread"}, {"-m32", "-pthread"}, {"-m32", "-static", "-pthread"}} {
		t.Run(strings.Join(build, " "), func(t *testing.T) {
			program := compile(t, callsProgram, build...)
			ways(t, func(t *testing.T, way Way) {
				files := map[string]string{}
				for i := range 6 {
					files[fmt.Sprint("f", i)] = "x"
				}
				r := try(t, way, files, program, "x")
				if r.Exit != 0 || !strings.HasSuffix(r.out, "fine\n") {
					t.Fatalf("exit %d, printed %q", r.Exit, r.out)
				}
				for i := range 5 {
					if name := fmt.Sprint("f", i); r.access(name)&Read == 0 {
						t.Errorf("%s: want it read", name)
					}
				}
				if r.access("f5") != 0 {
					t.Errorf("f5: %b, but nobody looked", r.access("f5"))
				}
				if len(r.Programs) != 3 || filepath.Base(r.Programs[2].Path) != "true" {
					t.Errorf("programs: %+v", r.Programs)
				}
				if r.access(program)&Read == 0 {
					t.Error("the program itself was not read")
				}
			})
		})
	}
}

func TestPreload(t *testing.T) {
	lib := compile(t, "int repro_preloaded;", "-shared", "-fPIC")
	ways(t, func(t *testing.T, way Way) {
		if r := try(t, way, nil, "LD_PRELOAD="+lib+" /bin/true"); r.access(lib)&Read == 0 {
			t.Errorf("%s: want it read", lib)
		}
	})
}

func TestContacts(t *testing.T) {
	program := compile(t, `
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(void) {
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
	inet_pton(AF_INET, "192.0.2.7", &a.sin_addr);
	sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&a, sizeof a);
	a.sin_port = htons(10);
	connect(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&a, sizeof a);
	struct sockaddr_un u = {.sun_family = AF_UNIX}; strcpy(u.sun_path, "/nowhere/sock");
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&u, sizeof u);
	return 0;
}`)
	ways(t, func(t *testing.T, way Way) {
		r := try(t, way, nil, program, "x")
		var got []string
		for _, c := range r.Contacts {
			got = append(got, c.Kind+" "+c.Address)
			if c.Program != 0 {
				t.Errorf("%s: by program %d", c.Address, c.Program)
			}
		}
		if want := []string{"ip 192.0.2.7:9", "ip 192.0.2.7:10", "unix /nowhere/sock"}; !slices.Equal(got, want) {
			t.Errorf("contacts %q, want %q", got, want)
		}
	})
}

func TestLeft(t *testing.T) {
	ways(t, func(t *testing.T, way Way) {
		began := time.Now()
		r := try(t, way, nil, "sleep 1000 >/dev/null 2>&1 & (sleep 0.3; echo late > late) >/dev/null 2>&1 & exit 0")
		if !slices.Equal(r.Left, []string{"sleep"}) {
			t.Errorf("left: %q", r.Left)
		}
		if c := r.change("late"); c == nil || content(t, c.After) != "late\n" {
			t.Errorf("late: %+v, want what a program finished that outlived the command", c)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestInterrupted(t *testing.T) {
	ways(t, func(t *testing.T, way Way) {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		scratch := t.TempDir()
		o, err := Run(ctx, Command{Args: []string{"/bin/sh", "-c", "echo begun > f; sleep 1000"}, Dir: dir, Own: dir, Scratch: scratch, Way: way, Env: []string{"PATH=/bin:/usr/bin"}})
		if errors.Is(err, ErrUnavailable) {
			t.Skip(err)
		}
		if err != nil || !o.Interrupted || o.Exit == 0 {
			t.Fatalf("%+v, %v", o, err)
		}
		if len(o.Changes) != 1 || content(t, o.Changes[0].After) != "begun\n" {
			t.Errorf("changes: %+v", o.Changes)
		}
	})
}

func TestNotStarted(t *testing.T) {
	ways(t, func(t *testing.T, way Way) {
		dir := t.TempDir()
		_, err := Run(t.Context(), Command{Args: []string{"no-such-program"}, Dir: dir, Own: dir, Scratch: t.TempDir(), Way: way, Env: []string{"PATH=/bin"}})
		if errors.Is(err, ErrUnavailable) {
			t.Skip(err)
		}
		if start, ok := errors.AsType[*StartError](err); !ok || start.Program != "no-such-program" {
			t.Errorf("error %v", err)
		}
	})
}
