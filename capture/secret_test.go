package capture

import (
	"slices"
	"strings"
	"testing"
)

// TestSecretTables holds that each row of the tables finds what it is for, in a home
// folder and in an experiment, and nothing that only resembles it.
func TestSecretTables(t *testing.T) {
	for _, s := range secretNames {
		name := strings.ReplaceAll(s.pattern, "*", "x")
		for _, dir := range []string{"/home/a/", "/home/a/paper/conf/", "/usr/local/etc/"} {
			if got := secretFile(dir + name); got != s.what {
				t.Errorf("%s: %q, want %q", dir+name, got, s.what)
			}
		}
		if got := secretFile("/usr/lib/python3/dist-packages/pkg/" + name); got != "" {
			t.Errorf("a package's %s: %q", name, got)
		}
		if got := secretFile("/home/a/.venv/lib/site-packages/pkg/" + name); got != "" {
			t.Errorf("a module's %s: %q", name, got)
		}
	}
	for _, s := range secretFolders {
		for _, name := range []string{"/home/a/" + s.folder, "/home/a/" + s.folder + "/deep/file", "/root/x/" + s.folder + "/y"} {
			if got := secretFile(name); got != s.what {
				t.Errorf("%s: %q, want %q", name, got, s.what)
			}
		}
		if got := secretFile("/home/a/" + s.folder + "x/file.csv"); got != "" {
			t.Errorf("%sx: %q", s.folder, got)
		}
	}
	for _, s := range secretPaths {
		if secretFile(s.path) != s.what || secretFile(s.path+"/x") != s.what || secretFile(s.path+"x.csv") != "" {
			t.Errorf("%s: %q", s.path, secretFile(s.path))
		}
	}
	for name, want := range map[string]string{
		"/tmp/ssh-abc/agent.123": "an agent's socket", "/run/user/1/gnupg/S.gpg-agent.ssh": "an agent's socket", "/run/user/1/keyring/ssh": "an agent's socket",
		"/tmp/x/agent.py": "", "/home/a/paper/data.csv": "", "/home/a/paper/monkey": "", "/home/a/paper/keys.csv": "", "/home/a/paper/tokens": "",
		"/home/a/paper/env": "", "/home/a/paper/id_rsa.pub": "", "/home/a/paper/history.txt": "", "/opt/tool/license.dat": "",
	} {
		if got := secretFile(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestSecretStart(t *testing.T) {
	for head, want := range map[string]bool{
		"-----BEGIN PRIVATE KEY-----": true, "\n -----BEGIN OPENSSH PRIVATE KEY-----": true, "\xef\xbb\xbf-----BEGIN PGP PRIVATE KEY BLOCK-----": true,
		"AGE-SECRET-KEY-1ABC": true, "PuTTY-User-Key-File-3: ssh": true, "untrusted comment: minisign encrypted secret key": true,
		"-----BEGIN PUBLIC KEY-----": false, "x-----BEGIN PRIVATE KEY-----": false, "untrusted comment: minisign public key": false, "": false,
	} {
		if got := secretStart([]byte(head)) != ""; got != want {
			t.Errorf("%q: %t", head, got)
		}
	}
}

func TestSecretVariables(t *testing.T) {
	for _, w := range secretWords {
		for _, name := range []string{w, "MY_" + w, "my_" + strings.ToLower(w) + "_X"} {
			if got := secretVariable(name, "v") != ""; got != (name != "PWD") {
				t.Errorf("%s: secret %t", name, got)
			}
		}
	}
	for name, want := range map[string]bool{
		"GITHUBTOKEN": true, "DBPASSWORD": true, "CLIENTSECRET": true, "OPENAIAPIKEY": true, "PWD": false, "OLDPWD": false,
		"MONKEY": false, "KEYBOARD": false, "COMPASS": false, "PATH": false, "TOKENS": false,
	} {
		if got := secretVariable(name, "v") != ""; got != want {
			t.Errorf("%s: secret %t", name, got)
		}
	}
	for value, want := range map[string]bool{
		"https://ada:a1B2c3@x.org": true, "-----BEGIN CERTIFICATE-----": true, "ghp_" + many(36): true, "https://x.org/a": false, "4": false, "/usr/lib:/opt": false,
	} {
		if got := secretVariable("PLAIN", value) != ""; got != want {
			t.Errorf("%q: secret %t", value, got)
		}
	}
}

func TestHideSecretsAtEdges(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"a", "--token", "x", "b"}, []string{"a", "--token", "(hidden)", "b"}},
		{[]string{"a", "--token", "-v"}, []string{"a", "--token", "-v"}},
		{[]string{"a", "--token"}, []string{"a", "--token"}},
		{[]string{"a", "--api-key=x", "SECRET=y", "n=4"}, []string{"a", "--api-key=(hidden)", "SECRET=(hidden)", "n=4"}},
		{[]string{"a", "TOKEN=", "my TOKEN=x"}, []string{"a", "TOKEN=", "my TOKEN=x"}},
		{[]string{"a", "token", "x"}, []string{"a", "token", "x"}},
	} {
		in := slices.Clone(c.in)
		if got := hideSecrets(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		if !slices.Equal(in, c.in) {
			t.Errorf("%q: changed to %q", in, c.in)
		}
	}
}
