package bundle

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"repro/key"
	"repro/verify/timestamp"
)

// Limits on a trusted root.
const (
	MaxRoot    = 4 << 20 // bytes of the file
	maxTrusted = 100     // logs or authorities of one sort
	maxChain   = 8       // certificates of one authority
)

// ErrRoot says that a file is not a trusted root.
var ErrRoot = errors.New("not a trusted root")

func badRoot(text string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRoot, fmt.Sprintf(text, args...))
}

// Root says whom the caller trusts: who certifies identities, who logs, who
// states times. It may be shared by goroutines. SPEC.md, KLS-1.
type Root struct {
	authorities []*certifier
	logs        []*transparencyLog // where signatures are published
	ctLogs      []*transparencyLog // where certificates are
	Times       []*timestamp.Authority
}

// certifier issues certificates for identities.
type certifier struct {
	chain  []*x509.Certificate // the last is trusted
	window window
}

type transparencyLog struct {
	url    string
	id     []byte
	key    crypto.PublicKey
	window window
}

// window is a time with both ends included; a zero end is open.
type window struct{ start, end time.Time }

func (w window) contains(t time.Time) bool {
	return !t.Before(w.start) && (w.end.IsZero() || !t.After(w.end))
}

const rootType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"

type rootJSON struct {
	MediaType   string          `json:"mediaType"`
	Logs        []logJSON       `json:"tlogs"`
	Authorities []authorityJSON `json:"certificateAuthorities"`
	CTLogs      []logJSON       `json:"ctlogs"`
	Times       []authorityJSON `json:"timestampAuthorities"`
}

type logJSON struct {
	BaseURL string `json:"baseUrl"`
	Hash    string `json:"hashAlgorithm"`
	Key     struct {
		Raw     string     `json:"rawBytes"`
		Details string     `json:"keyDetails"`
		Window  windowJSON `json:"validFor"`
	} `json:"publicKey"`
	ID struct {
		Key string `json:"keyId"`
	} `json:"logId"`
}

type authorityJSON struct {
	URI   string `json:"uri"`
	Chain struct {
		Certificates []struct {
			Raw string `json:"rawBytes"`
		} `json:"certificates"`
	} `json:"certChain"`
	Window windowJSON `json:"validFor"`
}

type windowJSON struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// ParseRoot reads a trusted root (sigstore/protobuf-specs,
// sigstore_trustroot.proto) as `cosign trusted-root create` and sigstore's
// repositories have it. Errors wrap [ErrRoot].
func ParseRoot(b []byte) (*Root, error) {
	if len(b) > MaxRoot {
		return nil, badRoot("%d bytes, at most %d are read", len(b), MaxRoot)
	}
	var j rootJSON
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&j); err != nil {
		return nil, badRoot("%v", err)
	}
	if j.MediaType != rootType {
		return nil, badRoot("mediaType %.100q: want %s", j.MediaType, rootType)
	}
	if max(len(j.Logs), len(j.CTLogs), len(j.Authorities), len(j.Times)) > maxTrusted {
		return nil, badRoot("more than %d entries of one sort", maxTrusted)
	}
	r := &Root{}
	var err error
	if r.logs, err = parseLogs("tlogs", j.Logs); err != nil {
		return nil, err
	}
	if r.ctLogs, err = parseLogs("ctlogs", j.CTLogs); err != nil {
		return nil, err
	}
	for i, a := range j.Authorities {
		chain, err := parseChain(a)
		if err != nil {
			return nil, badRoot("certificateAuthorities %d: %v", i+1, err)
		}
		r.authorities = append(r.authorities, &certifier{chain, window{a.Window.Start, a.Window.End}})
	}
	return r, r.parseTimes(j.Times)
}

func (r *Root) parseTimes(all []authorityJSON) error {
	for i, a := range all {
		chain, err := parseChain(a)
		if err != nil {
			return badRoot("timestampAuthorities %d: %v", i+1, err)
		}
		until := a.Window.End
		if !until.IsZero() {
			until = until.Add(time.Nanosecond) // here the end is included
		}
		name := a.URI
		if name == "" {
			name = chain[0].Subject.String()
		}
		r.Times = append(r.Times, &timestamp.Authority{Name: name, Chain: chain, Window: key.Window{From: a.Window.Start, Until: until}})
	}
	return nil
}

func parseChain(a authorityJSON) ([]*x509.Certificate, error) {
	n := len(a.Chain.Certificates)
	if n == 0 || n > maxChain {
		return nil, fmt.Errorf("%d certificates, want 1 to %d", n, maxChain)
	}
	var chain []*x509.Certificate
	for _, text := range a.Chain.Certificates {
		der, err := base64.StdEncoding.DecodeString(text.Raw)
		if err != nil {
			return nil, err
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	return chain, nil
}

func parseLogs(what string, all []logJSON) ([]*transparencyLog, error) {
	var logs []*transparencyLog
	for i, j := range all {
		l, err := parseLog(j)
		if err != nil {
			return nil, badRoot("%s %d: %v", what, i+1, err)
		}
		logs = append(logs, l)
	}
	return logs, nil
}

func parseLog(j logJSON) (*transparencyLog, error) {
	if j.Hash != "SHA2_256" {
		return nil, fmt.Errorf("hashAlgorithm %.40q: want SHA2_256", j.Hash)
	}
	if j.Key.Window.Start.IsZero() {
		return nil, errors.New("the time for which its key is valid has no start")
	}
	l := &transparencyLog{url: j.BaseURL, window: window{j.Key.Window.Start, j.Key.Window.End}}
	der, err := base64.StdEncoding.DecodeString(j.Key.Raw)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if l.key, err = parseKey(der, j.Key.Details); err != nil {
		return nil, err
	}
	if l.id, err = base64.StdEncoding.DecodeString(j.ID.Key); err != nil || len(l.id) == 0 {
		return nil, fmt.Errorf("keyId %.100q: want base64", j.ID.Key)
	}
	return l, nil
}

// parseKey reads a log's key. Its details name the algorithm, which the key
// itself says as well.
func parseKey(der []byte, details string) (crypto.PublicKey, error) {
	if details == "PKCS1_RSA_PKCS1V5" { // what sigstore's staging log has
		return x509.ParsePKCS1PublicKey(der)
	}
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if _, err := key.NewPublic(pub); err != nil {
		return nil, err
	}
	return pub, nil
}

// host is the name that a log signs its checkpoints with, if it has tiles.
func (l *transparencyLog) host() string {
	u, err := url.Parse(l.url)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// verify reports whether the log's key made a signature over message.
func (l *transparencyLog) verify(message, sig []byte) bool {
	return verifySignature(l.key, message, sig)
}

// verifySignature checks a signature in the way that goes with the key.
func verifySignature(pub crypto.PublicKey, message, sig []byte) bool {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, sum(hashOf(pub), message), sig)
	case ed25519.PublicKey:
		return ed25519.Verify(k, message, sig)
	case *rsa.PublicKey:
		h := sha256.Sum256(message)
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, h[:], sig) == nil
	}
	return false
}

// hashOf is the hash that a key signs with: for ECDSA the one of its curve's
// size.
func hashOf(pub crypto.PublicKey) crypto.Hash {
	if k, ok := pub.(*ecdsa.PublicKey); ok {
		switch bits := k.Curve.Params().BitSize; {
		case bits > 384:
			return crypto.SHA512
		case bits > 256:
			return crypto.SHA384
		}
	}
	if _, ok := pub.(ed25519.PublicKey); ok {
		return crypto.SHA512
	}
	return crypto.SHA256
}

func sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}
