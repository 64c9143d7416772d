package capture

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"repro/internal/pattern"
)

// What is secret is told by its name, and for keys by its first bytes (CAP-7). A false
// alarm costs the author one line; a key in a published image costs much more.

// secretNames are patterns for names of files.
var secretNames = []struct{ pattern, what string }{
	{".netrc", "passwords"}, {"_netrc", "passwords"}, {".env", "variables that are usually secret"}, {".env.*", "variables that are usually secret"},
	{"*.key", "a key"}, {"*.revoke", "a revocation"}, {"id_rsa", "a key"}, {"id_dsa", "a key"}, {"id_ecdsa", "a key"}, {"id_ed25519", "a key"},
	{"*.ppk", "a key"}, {"*.p12", "a key"}, {"*.pfx", "a key"}, {"*.jks", "a key"}, {"*.kdbx", "passwords"}, {"*.keytab", "a key"},
	{".pgpass", "passwords"}, {".my.cnf", "passwords"}, {".pypirc", "a token"}, {".npmrc", "a token"}, {".git-credentials", "passwords"},
	{".vault-token", "a token"}, {".boto", "a token"}, {".s3cfg", "a token"}, {".kaggle.json", "a token"}, {"kaggle.json", "a token"}, {".cdsapirc", "a token"},
	{".Renviron", "variables that are often secret"}, {"credentials", "credentials"}, {"credentials.json", "credentials"}, {"credentials.toml", "credentials"},
	{"client_secret*.json", "credentials"}, {"service_account*.json", "credentials"}, {".htpasswd", "passwords"}, {"token", "a token"}, {"*.token", "a token"},
	{"cookies.sqlite", "cookies"}, {"Cookies", "cookies"}, {"cookies.txt", "cookies"}, {".cookies", "cookies"}, {".Xauthority", "a session"}, {".ICEauthority", "a session"},
	{".*_history", "a history"}, {".history", "a history"}, {".Rhistory", "a history"}, {".lesshst", "a history"}, {".viminfo", "a history"}, {".wget-hsts", "a history"},
	{"*.lic", "a licence of software"}, {"license.dat", "a licence of software"}, {".flexlmrc", "a licence server"}, {"network.lic", "a licence of software"},
}

// secretFolders are folders of which nothing is taken, by the end of their path.
var secretFolders = []struct{ folder, what string }{
	{".ssh", "keys"}, {".gnupg", "keys"}, {".aws", "credentials"}, {".azure", "credentials"}, {".kube", "credentials"}, {".docker", "credentials"},
	{".oci", "credentials"}, {".config/gh", "a token"}, {".config/hub", "a token"}, {".config/gcloud", "credentials"}, {".config/rclone", "credentials"},
	{".config/glab-cli", "a token"}, {".config/sops", "keys"}, {".config/age", "keys"}, {".password-store", "passwords"}, {".local/share/keyrings", "passwords"},
	{".mozilla", "a browser's profile"}, {".config/google-chrome", "a browser's profile"}, {".config/chromium", "a browser's profile"},
	{".config/BraveSoftware", "a browser's profile"}, {".thunderbird", "mail"}, {".subversion/auth", "passwords"}, {".gem/credentials", "a token"},
	{".cargo/credentials", "a token"}, {".huggingface", "a token"}, {".kaggle", "a token"},
}

// secretPaths are whole paths.
var secretPaths = []struct{ path, what string }{
	{"/etc/shadow", "passwords"}, {"/etc/gshadow", "passwords"}, {"/etc/sudoers", "who may what"}, {"/etc/ssl/private", "keys"}, {"/etc/krb5.keytab", "a key"},
}

// agentSockets are what agents listen on.
var agentSockets = pattern.New(`/(agent\.\d+|S\.gpg-agent[.a-z]*|ssh-agent\.socket|keyring/(ssh|control|pkcs11))$`)

// secretFile says what is secret about a file, by its path; "" if nothing is
// known of it.
func secretFile(name string) string {
	for _, s := range secretPaths {
		if inside(name, s.path) {
			return s.what
		}
	}
	for _, s := range secretFolders {
		if strings.Contains(name+"/", "/"+s.folder+"/") {
			return s.what
		}
	}
	base := path.Base(name)
	for _, s := range secretNames {
		if ok, _ := path.Match(s.pattern, base); ok && !IsLibrary(name) {
			return s.what
		}
	}
	if agentSockets.MatchString(name) {
		return "an agent's socket"
	}
	return ""
}

// IsLibrary knows places where packages keep what only has such a name: a
// module called token, a test's key.
func IsLibrary(name string) bool {
	for _, dir := range []string{"/usr/", "/lib/", "/opt/"} {
		if strings.HasPrefix(name, dir) && !strings.HasPrefix(name, "/usr/local/etc/") {
			return true
		}
	}
	for elem := range strings.SplitSeq(path.Dir(name), "/") {
		if elem == "site-packages" || elem == "dist-packages" || elem == "node_modules" {
			return true
		}
	}
	return false
}

// keyStart is how files begin that hold a private key.
var keyStart = pattern.New(`^\s*(-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|AGE-SECRET-KEY-1|PuTTY-User-Key-File-|untrusted comment: (minisign|signify|rsign) encrypted secret key)`)

// secretStart says what is secret about a file by how it begins.
func secretStart(head []byte) string {
	if keyStart.Regexp().Match(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))) {
		return "a private key"
	}
	return ""
}

// secretWords make the name of a variable or an option secret.
var secretWords = []string{
	"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD", "APIKEY", "KEY", "CREDENTIAL", "CREDENTIALS", "COOKIE", "COOKIES",
	"SESSION", "AGENT", "AUTH", "AUTHORITY", "PRIVATE", "PAT", "DSN", "SIGNATURE", "LICENSE", "LICENCE",
}

var wordEnds = pattern.New(`[^A-Z0-9]+`)

// secretVariable says why a variable is not taken, or "".
func secretVariable(name, value string) string {
	if name == "PWD" || name == "OLDPWD" {
		return ""
	}
	words := wordEnds.Regexp().Split(strings.ToUpper(name), -1)
	for _, w := range words {
		if slices.Contains(secretWords, w) || strings.HasSuffix(w, "TOKEN") || strings.HasSuffix(w, "PASSWORD") || strings.HasSuffix(w, "SECRET") || strings.HasSuffix(w, "APIKEY") {
			return "its name says that it is secret"
		}
	}
	if hideTokens(value, "") != value || strings.Contains(value, "-----BEGIN") {
		return "its value looks like a token, a key or an address with a password"
	}
	return ""
}

// hideSecrets returns the arguments of a program without what looks secret.
func hideSecrets(args []string) []string {
	const hidden = "(hidden)"
	out := slices.Clone(args)
	for i, a := range out {
		name, value, assigned := strings.Cut(a, "=")
		flag := strings.HasPrefix(a, "-")
		switch {
		case assigned && value != "" && !strings.ContainsAny(name, " \n") && secretVariable(strings.TrimLeft(name, "-"), "") != "":
			out[i] = name + "=" + hidden
		case flag && !assigned && secretVariable(strings.TrimLeft(a, "-"), "") != "" && i+1 < len(out) && !strings.HasPrefix(out[i+1], "-"):
			out[i+1] = hidden
		default:
			out[i] = hideTokens(a, hidden)
		}
	}
	return out
}

// hideTokens returns a text without the tokens in it.
func hideTokens(text, hidden string) string {
	for _, t := range tokens {
		if slices.ContainsFunc(t.has, func(has string) bool { return strings.Contains(text, has) }) {
			text = t.form.ReplaceAllString(text, hidden)
		}
	}
	return text
}
