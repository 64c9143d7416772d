package cli

import "testing"

func TestFromAbove(t *testing.T) {
	const below = "have it write below this folder"
	for _, c := range []struct{ folder, wrote, want string }{
		{"/home/a/p/code", "/home/a/p/out/y", "capture from the folder above: cd /home/a/p && repro capture -- sh -c 'cd code && COMMAND'"},
		{"/home/a/p/code/fit", "/home/a/p/y", "capture from the folder above: cd /home/a/p && repro capture -- sh -c 'cd code/fit && COMMAND'"},
		{"/home/a/p", "/home/a/pp/y", below},
		{"/home/a/p", "/home/b/y", below},
		{"/home/a/p", "/scratch/y", below},
	} {
		if got := fromAbove(c.folder, c.wrote, "/home/a"); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.folder, c.wrote, got, c.want)
		}
	}
}

func TestSomeOf(t *testing.T) {
	for want, names := range map[string][]string{"a": {"a"}, "a, b, c": {"a", "b", "c"}, "a, b, c and 1 more": {"a", "b", "c", "d"}} {
		if got := someOf(names); got != want {
			t.Errorf("%q: %q, want %q", names, got, want)
		}
	}
}
