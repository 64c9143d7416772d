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
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"repro/format/bundle"
)

// entry checks one entry of a log. One of a log that the root does not name
// says nothing; one of a log that it does name must be right. SPEC.md, KLS-6.
func (c *check) entry(e *bundle.LogEntry) error {
	l := c.log(e)
	if l == nil {
		return nil
	}
	body, err := c.body(e)
	if err != nil {
		return err
	}
	if err := included(l, e, body); err != nil {
		return err
	}
	name := l.url
	if name == "" {
		name = "log " + short(l.id)
	}
	if e.IntegratedTime != 0 || len(e.Promise) > 0 {
		at := time.Unix(e.IntegratedTime, 0).UTC()
		if err := c.promised(l, e, at); err != nil {
			return err
		}
		if len(e.Promise) > 0 {
			c.result.Times = append(c.result.Times, Time{Time: at, By: name, Log: true})
		}
	}
	c.result.Logs = append(c.result.Logs, name)
	return nil
}

func (c *check) log(e *bundle.LogEntry) *transparencyLog {
	for _, l := range c.root.logs {
		if bytes.Equal(l.id, e.LogID) {
			return l
		}
	}
	return nil
}

// promised checks the time that a log states, which its promise signs.
func (c *check) promised(l *transparencyLog, e *bundle.LogEntry, at time.Time) error {
	if c.cert != nil && (at.Before(c.cert.NotBefore) || at.After(c.cert.NotAfter)) {
		return wrong(ErrLog, "it was logged at %s, when the certificate was not valid", stamp(at))
	}
	if len(e.Promise) == 0 {
		return nil // nobody signs the time, and nobody reads it
	}
	if !l.window.contains(at) || at.After(c.now.Add(clockSkew)) {
		return wrong(ErrLog, "the log's key is trusted at other times than %s", stamp(at))
	}
	payload, _ := json.Marshal(struct { // words and numbers do not fail
		Body  string `json:"body"`
		Time  int64  `json:"integratedTime"`
		Log   string `json:"logID"`
		Index int64  `json:"logIndex"`
	}{base64.StdEncoding.EncodeToString(e.Body), e.IntegratedTime, hex.EncodeToString(e.LogID), e.Index})
	if !l.verify(payload, e.Promise) {
		return wrong(ErrLog, "the log did not promise it")
	}
	return nil
}

// body returns the entry as the log has it, after comparing that with the
// signature, the key and what was signed. SPEC.md, KLS-7.
func (c *check) body(e *bundle.LogEntry) ([]byte, error) {
	switch kind := e.Kind + " " + e.Version; kind {
	case "hashedrekord 0.0.2":
		if len(e.Promise) > 0 {
			return nil, wrong(ErrLog, "a log of version 2 makes no promises")
		}
		body, err := c.hashedRekord2()
		if err == nil && len(e.Body) > 0 && !bytes.Equal(body, e.Body) {
			return nil, wrong(ErrLog, "the entry is about another signature, key or digest")
		}
		return body, err
	case "hashedrekord 0.0.1", "dsse 0.0.1":
		return e.Body, c.compare1(e)
	default:
		return nil, wrong(ErrLog, "entries of kind %.60q are not supported", kind)
	}
}

// compare1 compares an entry of version 1.
func (c *check) compare1(e *bundle.LogEntry) error {
	var body struct {
		Version string `json:"apiVersion"`
		Kind    string `json:"kind"`
		Spec    struct {
			// hashedrekord
			Data struct {
				Hash hashJSON `json:"hash"`
			} `json:"data"`
			Signature struct {
				Content   string `json:"content"`
				PublicKey struct {
					Content string `json:"content"`
				} `json:"publicKey"`
			} `json:"signature"`
			// dsse
			Payload    hashJSON `json:"payloadHash"`
			Signatures []struct {
				Signature string `json:"signature"`
				Verifier  string `json:"verifier"`
			} `json:"signatures"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return wrong(ErrLog, "body: %v", err)
	}
	s := &body.Spec
	hash, signed, sig, by := s.Data.Hash, c.message, s.Signature.Content, s.Signature.PublicKey.Content
	if e.Kind == "dsse" {
		if len(s.Signatures) != 1 || c.bundle.Envelope == nil {
			return wrong(ErrLog, "the entry is about %d signatures of an envelope", len(s.Signatures))
		}
		hash, signed, sig, by = s.Payload, c.bundle.Envelope.Payload, s.Signatures[0].Signature, s.Signatures[0].Verifier
	}
	switch h, ok := rekorHashes[hash.Algorithm]; {
	case body.Kind != e.Kind || body.Version != e.Version:
		return wrong(ErrLog, "the entry is of another kind than it says")
	case !ok || hash.Value != hex.EncodeToString(sum(h, signed)):
		return wrong(ErrLog, "the entry is about another digest")
	case sig != base64.StdEncoding.EncodeToString(c.signature):
		return wrong(ErrLog, "the entry is about another signature")
	case !c.isKey(by):
		return wrong(ErrLog, "the entry is about another key")
	}
	return nil
}

type hashJSON struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

var rekorHashes = map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}

// isKey reports whether text, PEM in base64, is the signer's certificate or key.
func (c *check) isKey(text string) bool {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	block, rest := pem.Decode(b)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return false
	}
	if c.cert != nil {
		return bytes.Equal(block.Bytes, c.cert.Raw)
	}
	der, err := x509.MarshalPKIXPublicKey(c.key)
	return err == nil && bytes.Equal(block.Bytes, der)
}

// hashedRekord2 writes the entry that a log of version 2 has for the signature,
// in the form of RFC 8785.
func (c *check) hashedRekord2() ([]byte, error) {
	details, name, err := keyDetails(c.key)
	if err != nil {
		return nil, err
	}
	type raw struct {
		Raw []byte `json:"rawBytes"`
	}
	type verifier struct {
		Details     string `json:"keyDetails"`
		Key         *raw   `json:"publicKey,omitempty"`
		Certificate *raw   `json:"x509Certificate,omitempty"`
	}
	v := verifier{Details: details}
	if c.cert != nil {
		v.Certificate = &raw{c.cert.Raw}
	} else {
		der, err := x509.MarshalPKIXPublicKey(c.key)
		if err != nil {
			return nil, wrong(ErrLog, "%v", err)
		}
		v.Key = &raw{der}
	}
	digest := sum(hashOf(c.key), c.message)
	body, _ := json.Marshal(map[string]any{ // keys in order; words and bytes do not fail
		"apiVersion": "0.0.2", "kind": "hashedrekord",
		"spec": map[string]any{"hashedRekordV002": map[string]any{
			"data":      map[string]any{"algorithm": name, "digest": digest},
			"signature": map[string]any{"content": c.signature, "verifier": v},
		}},
	})
	return body, nil
}

// keyDetails names the algorithm of a key and its hash as version 2 does.
func keyDetails(pub crypto.PublicKey) (details, hash string, err error) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		bits := k.Curve.Params().BitSize
		hash := map[int]string{256: "SHA2_256", 384: "SHA2_384", 521: "SHA2_512"}[bits]
		return fmt.Sprintf("PKIX_ECDSA_P%d_%s", bits, strings.Replace(hash, "SHA2", "SHA", 1)), hash, nil
	case *rsa.PublicKey:
		return fmt.Sprintf("PKIX_RSA_PKCS1V15_%d_SHA256", k.N.BitLen()), "SHA2_256", nil
	case ed25519.PublicKey: // logs of version 2 take the prehashed kind only
		return "", "", wrong(ErrLog, "a log of version 2 cannot hold signatures by Ed25519 keys")
	}
	return "", "", wrong(ErrLog, "unknown key")
}

// included checks that the log's signed checkpoint covers body. SPEC.md, KLS-8.
func included(l *transparencyLog, e *bundle.LogEntry, body []byte) error {
	p := &e.Proof
	tiles := e.Version == "0.0.2"
	opened, err := note.Open([]byte(p.Checkpoint), &noteKeys{l, tiles})
	if err != nil {
		return wrong(ErrLog, "checkpoint: %v", err)
	}
	var checkpoint log.Checkpoint
	if _, err := checkpoint.Unmarshal([]byte(opened.Text)); err != nil {
		return wrong(ErrLog, "checkpoint: %v", err)
	}
	index := p.Index
	switch {
	case tiles && checkpoint.Origin != l.host():
		return wrong(ErrLog, "checkpoint of log %q, want %q", checkpoint.Origin, l.host())
	case tiles && e.Index != p.Index:
		return wrong(ErrLog, "two places, %d and %d", e.Index, p.Index)
	case checkpoint.Size != uint64(p.TreeSize) || !bytes.Equal(checkpoint.Hash, p.RootHash):
		return wrong(ErrLog, "the checkpoint is of another tree than the proof")
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(body)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), checkpoint.Size, leaf, p.Hashes, checkpoint.Hash); err != nil {
		return wrong(ErrLog, "the proof does not lead to the checkpoint: %v", err)
	}
	return nil
}

// noteKeys knows the key that must have signed a checkpoint.
type noteKeys struct {
	log   *transparencyLog
	tiles bool
}

// Verifier returns the log's key if a signature in the note says that it made
// it: by its id, and with tiles by the log's name.
func (n *noteKeys) Verifier(name string, hash uint32) (note.Verifier, error) {
	if hash != n.hash(name) || n.tiles && name != n.log.host() {
		return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
	}
	return &noteKey{name, hash, n.log}, nil
}

// hash is the id of the log's key in notes (C2SP signed-note, and what Rekor
// does in place of it for ECDSA).
func (n *noteKeys) hash(name string) uint32 {
	var id [sha256.Size]byte
	switch k := n.log.key.(type) {
	case ed25519.PublicKey:
		id = sha256.Sum256(append(append([]byte(name+"\n"), 1), k...))
	default:
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			return 0
		}
		id = sha256.Sum256(der)
	}
	return binary.BigEndian.Uint32(id[:])
}

type noteKey struct {
	name string
	hash uint32
	log  *transparencyLog
}

func (k *noteKey) Name() string                { return k.name }
func (k *noteKey) KeyHash() uint32             { return k.hash }
func (k *noteKey) Verify(msg, sig []byte) bool { return k.log.verify(msg, sig) }
