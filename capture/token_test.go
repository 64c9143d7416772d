package capture

import (
	"strings"
	"testing"
)

// many is text as random as tokens are, of n characters.
func many(n int) string { return strings.Repeat("a1B2c3D4e5F6", n/12+1)[:n] }

func TestFindSecret(t *testing.T) {
	hex := strings.ToLower(strings.Repeat("a1b2c3d4", 5))
	for text, want := range map[string]string{
		"x = 1\n":                          "",
		"-----BEGIN PRIVATE KEY-----\nMII": "a private key",
		`{"private_key": "-----BEGIN RSA PRIVATE KEY-----\n"}`:       "a private key",
		"-----BEGIN PGP PRIVATE KEY BLOCK-----":                      "a private key",
		"-----BEGIN PUBLIC KEY-----":                                 "",
		"AGE-SECRET-KEY-1" + strings.ToUpper(many(30)):               "a private key",
		"PuTTY-User-Key-File-3: ssh-rsa":                             "a private key",
		"id: AKIAIOSFODNN7EXAMPLE\n":                                 "an AWS access key",
		"AKIAIOSFODNN7EXAMPLES7":                                     "",
		"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYKE":   "an AWS secret key",
		"aws_secret_access_key = $KEY":                               "",
		"AccountKey=" + many(60) + "==":                              "an Azure storage key",
		"dop_v1_" + hex:                                              "a DigitalOcean token",
		"dckr_pat_" + many(27):                                       "a Docker token",
		"push(ghp_" + many(36) + ")":                                 "a GitHub token",
		"ghp_short":                                                  "",
		"github_pat_" + many(50):                                     "a GitHub token",
		"glpat-" + many(20):                                          "a GitLab token",
		"AIza" + many(35):                                            "a Google API key",
		"GOCSPX-" + many(28):                                         "a Google client secret",
		"hf_" + many(34):                                             "a Hugging Face token",
		`{"username":"ada","key":"` + hex[:32] + `"}`:                "a Kaggle key",
		"npm_" + many(36):                                            "an npm token",
		"pypi-AgE" + many(60):                                        "a PyPI token",
		"sk-proj-" + many(40):                                        "an API key",
		"sk-ant-" + many(40):                                         "an API key",
		"task-management of risk-assessments":                        "",
		"SG." + many(22) + "." + many(43):                            "a SendGrid key",
		"xoxb-123456789012-abc":                                      "a Slack token",
		"https://hooks.slack.com/services/T012AB/B034CD/" + many(24): "a Slack address that posts",
		"sk_live_" + many(24):                                        "a Stripe key",
		"eyJ" + many(20) + ".eyJ" + many(20) + "." + many(20):        "a signed token",
		`headers={"Authorization": "Bearer ` + many(30) + `"}`:       "a token",
		`headers={"Authorization": f"Bearer {token}"}`:               "",
		"curl -s -u ada:hunter22 https://x.org":                      "a password",
		"curl -u ada:$PASSWORD https://x.org":                        "",
		"postgres://ada:hunter22@db.x.org/heights":                   "an address with a password",
		"postgres://user:password@host/db":                           "",
		"https://x.org:8080/a@b":                                     "",
		"machine x.org login ada password hunter22":                  "a password",
		`password = "hunter22"`:                                      "a password",
		"[client]\nuser = ada\npassword=hunter22\nport = 1\n":        "a password",
		"db:\n  db.Passwd: s3cr3t-pw\r\n":                            "a password",
		"password: hunter\n":                                         "",
		"password = read1()\n":                                       "",
		"password: ab1\n":                                            "",
		"password: hunter22 of the year\n":                           "",
		"passwd: db files\n":                                         "",
		"the password: hunter22\n":                                   "",
		`password <- "hunter22"`:                                     "a password",
		`password = os.environ["PASSWORD1"]`:                         "",
		`password = "{password1}"`:                                   "",
		`"password": "Passwort"`:                                     "",
		`"source": ["token = \"` + many(20) + `\"\n"]`:               "a token",
		"api_key: " + many(24) + "\n":                                "a token",
		"api_key: your" + many(24) + "\n":                            "",
		"{'token': 'covid19'}":                                       "",
		"token = tokenizer2.get_next_token_of_the_line()\n":          "",
		"secret = 'XXXXXXXXXXXXXXXX12345'":                           "",
		"token = \"a1b2c3d4e5f6a1b\"":                                "",
		"token = \"a1b2c3d4e5f6a1b2\"":                               "a token",
		"first: ghp_x\npostgres://user:pass@h\nx = 'postgres://a:hunter22@h/d'\n": "an address with a password",
		"passwd = 'abcdef'":                        "",
		"passphrase: 'abcde7'":                     "a password",
		"token = \"abcdefghijklmnopqrstuvwxyz12\"": "",
	} {
		what, at := FindSecret([]byte(text))
		if what != want {
			t.Errorf("%q: %q, want %q", text, what, want)
		}
		if what == "" && at != 0 || at > len(text) {
			t.Errorf("%q: at %d", text, at)
		}
	}
	if _, at := FindSecret([]byte("a\nb\npassword = 'hunter22'")); at != 4 {
		t.Errorf("found at %d, want 4", at)
	}
}

func TestIsLibrary(t *testing.T) {
	for name, want := range map[string]bool{
		"/usr/lib/x/token": true, "/opt/x/y": true, "/lib/x": true, "/usr/local/etc/x": false, "/home/a/token": false,
		".venv/lib/python3/site-packages/x.py": true, "a/node_modules/b/c.js": true, "site-packages": false, "code/x.py": false,
	} {
		if got := IsLibrary(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestHideTokens(t *testing.T) {
	got := hideSecrets([]string{"curl", "--header=x", "https://x.org/?k=ghp_" + many(36) + "&b", "--token", "abc", "-p"})
	want := []string{"curl", "--header=x", "https://x.org/?k=(hidden)&b", "--token", "(hidden)", "-p"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}
