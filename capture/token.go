package capture

import (
	"bytes"
	"slices"

	"repro/internal/pattern"
)

// tokens are forms that only keys, tokens and passwords have. Each has one of some
// texts, which are looked for first: most files hold none. What a group called
// value matches may also be an example, and is then none.
var tokens = []struct {
	what string
	has  []string
	form *pattern.Pattern
}{
	{"a private key", []string{"-----BEGIN "}, pattern.New(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----`)},
	{"a private key", []string{"AGE-SECRET-KEY-"}, pattern.New(`\bAGE-SECRET-KEY-1[0-9A-Z]{20,}`)},
	{"a private key", []string{"PuTTY-User-Key-File"}, pattern.New(`(?m)^PuTTY-User-Key-File-\d`)},
	{"an AWS access key", []string{"AKIA", "ASIA"}, pattern.New(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"an AWS secret key", []string{"aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"}, pattern.New(`(?i)aws_secret_access_key["'\\]*\s*[=:]\s*["'\\]*[A-Za-z0-9/+]{30,}`)},
	{"an Azure storage key", []string{"AccountKey="}, pattern.New(`AccountKey=[A-Za-z0-9+/]{40,}`)},
	{"a DigitalOcean token", []string{"_v1_"}, pattern.New(`\bdo[oprt]_v1_[0-9a-f]{40,}`)},
	{"a Docker token", []string{"dckr_pat_"}, pattern.New(`\bdckr_pat_[A-Za-z0-9_-]{20,}`)},
	{"a GitHub token", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, pattern.New(`\bgh[pousr]_[A-Za-z0-9]{36}`)},
	{"a GitHub token", []string{"github_pat_"}, pattern.New(`\bgithub_pat_[A-Za-z0-9_]{40,}`)},
	{"a GitLab token", []string{"glpat-"}, pattern.New(`\bglpat-[A-Za-z0-9_-]{20}`)},
	{"a Google API key", []string{"AIza"}, pattern.New(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"a Google client secret", []string{"GOCSPX-"}, pattern.New(`\bGOCSPX-[A-Za-z0-9_-]{20,}`)},
	{"a Hugging Face token", []string{"hf_"}, pattern.New(`\bhf_[A-Za-z0-9]{30,}`)},
	{"a Kaggle key", []string{`"username`}, pattern.New(`"username\\?"[^{}]{1,200}"key\\?"\s*:\s*\\?"[0-9a-f]{32}`)},
	{"an npm token", []string{"npm_"}, pattern.New(`\bnpm_[A-Za-z0-9]{36}`)},
	{"a PyPI token", []string{"pypi-"}, pattern.New(`\bpypi-AgE[A-Za-z0-9_-]{40,}`)},
	{"an API key", []string{"sk-"}, pattern.New(`\bsk-(proj-|ant-)?[A-Za-z0-9_-]{20,}`)},
	{"a SendGrid key", []string{"SG."}, pattern.New(`\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{30,}`)},
	{"a Slack token", []string{"xox"}, pattern.New(`\bxox[abeprs]-[A-Za-z0-9-]{10,}`)},
	{"a Slack address that posts", []string{"hooks.slack.com"}, pattern.New(`hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,}`)},
	{"a Stripe key", []string{"k_live_"}, pattern.New(`\b[rs]k_live_[A-Za-z0-9]{20,}`)},
	{"a signed token", []string{"eyJ"}, pattern.New(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)},
	{"a token", []string{"uthorization", "AUTHORIZATION"}, pattern.New(`(?i)authorization["'\\]*\s*[:=,]\s*f?["'\\]*(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{16,}`)},
	{"an address with a password", []string{"://"}, pattern.New(`\b[a-z][a-z0-9+.-]*://[^/\s:@"'<>{}$]+:(?P<value>[^/\s:@"'<>{}$]+)@`)},
	{"a password", []string{"login"}, pattern.New(`\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<value>[^\s$<]+)`)},
	{"a password", []string{"curl"}, pattern.New(`\bcurl\s[^\n]*(-u|--user)[ =]?["']?[A-Za-z0-9._@-]+:(?P<value>[^\s"'$<{]+)`)},
}

// assigned is a name of something secret with a value in quotes, or as the rest
// of a line of settings.
var assigned = pattern.New(`(?im)(password|passwd|passphrase|secret|token|api_?key|access_?key)["'\\]*\s*(?:=|:|<-)\s*(?:["'\\]+([^"'\\\s]{6,200})["'\\]|([A-Za-z0-9+/=-]{20,200})\s*$)`)

// setting is a password as the whole of a line of settings, without quotes.
var setting = pattern.New(`(?im)^[ \t]*[\w.-]*(?:password|passwd|passphrase)[ \t]*[:=][ \t]*([A-Za-z0-9!@#^&*+~-]{6,64})[ \t\r]*$`)

var assignedNames = []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "accesskey", "access_key"}

// FindSecret looks in a text for what only keys, tokens and passwords look like:
// what it is and at which byte; "" if there is nothing. That it finds nothing
// proves nothing.
func FindSecret(text []byte) (what string, at int) {
	for _, t := range tokens {
		if !slices.ContainsFunc(t.has, func(has string) bool { return bytes.Contains(text, []byte(has)) }) {
			continue
		}
		form := t.form.Regexp()
		for _, m := range form.FindAllSubmatchIndex(text, -1) {
			if i := form.SubexpIndex("value"); i < 0 || !isExample(text[m[2*i]:m[2*i+1]]) {
				return t.what, m[0]
			}
		}
	}
	lower := bytes.ToLower(text)
	for _, name := range assignedNames {
		if !bytes.Contains(lower, []byte(name)) {
			continue
		}
		for _, m := range assigned.Regexp().FindAllSubmatchIndex(text, -1) {
			name := bytes.ToLower(text[m[2]:m[3]])
			quoted := m[4] >= 0
			value := text[max(m[4], m[6]):max(m[5], m[7])]
			if isPassword := bytes.HasPrefix(name, []byte("pass")); likelySecret(value, quoted && isPassword) {
				return "a " + map[bool]string{true: "password", false: "token"}[isPassword], m[0]
			}
		}
		break
	}
	if bytes.Contains(lower, []byte("passw")) || bytes.Contains(lower, []byte("passphrase")) {
		for _, m := range setting.Regexp().FindAllSubmatchIndex(text, -1) {
			if likelySecret(text[m[2]:m[3]], true) {
				return "a password", m[0]
			}
		}
	}
	return "", 0
}

// likelySecret tells a value from an example, or from a name in a program. Of a
// password in quotes one digit is enough, for nobody names a thing so.
func likelySecret(value []byte, password bool) bool {
	letters, digits := 0, 0
	for _, b := range value {
		switch {
		case b >= '0' && b <= '9':
			digits++
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z':
			letters++
		case bytes.IndexByte([]byte("{}<>$%()[]"), b) >= 0:
			return false // a place for a value
		}
	}
	if isExample(value) {
		return false
	}
	if password {
		return digits > 0 && letters > 0
	}
	return len(value) >= 16 && digits >= 3 && letters >= 3
}

// isExample knows values that stand in manuals.
func isExample(value []byte) bool {
	if len(value) < 3 {
		return true
	}
	lower := bytes.ToLower(value)
	for _, word := range []string{"example", "placeholder", "changeme", "your", "xxx", "dummy", "0000", "1234567890", "***", "..."} {
		if bytes.Contains(lower, []byte(word)) {
			return true
		}
	}
	return slices.Contains([]string{"pass", "password", "passwd", "pw", "pwd", "secret", "token", "user", "guest", "anonymous"}, string(lower))
}
