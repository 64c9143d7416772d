package bundletest

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"repro/format/bundle"
)

// Who signs in a [Case] unless it says otherwise.
const (
	Subject  = "alice@example.org"
	Provider = "https://accounts.example.org"
)

// Case is a bundle, what it is checked with, and whether it should pass.
type Case struct {
	Name     string
	Good     bool
	Stricter bool // sigstore-go lets it pass; the comment says why we do not
	Newer    bool // sigstore's conformance suite lets it pass, sigstore-go 1.3.0 does not yet
	Bundle   *bundle.Bundle
	Root     []byte
	Message  []byte // that a bare signature is over
	Subject  string // whom the caller wants
	Provider string
}

// maker makes cases.
type maker struct {
	*Sigstore
	at  time.Time
	all []Case
}

// Cases returns bundles without a defect and with one.
func Cases(s *Sigstore, at time.Time) []Case {
	m := &maker{Sigstore: s, at: at}
	m.good()
	m.times()
	m.certificates()
	m.logs()
	m.entries()
	m.others()
	return m.all
}

// basic is a signing with all proofs.
func (m *maker) basic(version int) Signing {
	return Signing{
		Subject: Subject, Provider: Provider, At: m.at, Type: "application/vnd.in-toto+json", Payload: []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"` + hex.EncodeToString(make([]byte, 32)) + `"}}],"predicateType":"https://example.org/p","predicate":{}}`),
		Log: version, Stamped: true, Index: 3, Leaves: 6,
	}
}

// add makes a case of a signing; change is what the attacker does afterwards.
func (m *maker) add(name string, good bool, o Signing, change func(*bundle.Bundle)) *Case {
	b := m.Sign(o)
	if change != nil {
		change(b)
	}
	c := Case{Name: name, Good: good, Bundle: b, Root: m.TrustedRoot(), Subject: Subject, Provider: Provider}
	if o.Type == "" {
		c.Message = o.Payload
	}
	m.all = append(m.all, c)
	return &m.all[len(m.all)-1]
}

// attack adds one attack on a bundle with a log entry of each version.
func (m *maker) attack(name string, change func(*bundle.Bundle)) {
	m.add(name+", log 1", false, m.basic(1), change)
	m.add(name+", log 2", false, m.basic(2), change)
}

func (m *maker) good() {
	for version, name := range []string{1: "log 1", 2: "log 2"} {
		if version == 0 {
			continue
		}
		m.add("envelope, "+name, true, m.basic(version), nil)
		bare := m.basic(version)
		bare.Type = ""
		m.add("bare signature, "+name, true, bare, nil)
		for _, leaves := range []int{0, 1, 2, 7, 20} {
			o := m.basic(version)
			o.Leaves, o.Index = leaves, -1
			m.add("last of several, "+name, true, o, nil)
			o.Index = 0
			m.add("first of several, "+name, true, o, nil)
		}
		o := m.basic(version)
		o.Subject = "https://github.com/example/paper/.github/workflows/run.yml@refs/heads/main"
		m.add("a workflow, "+name, true, o, nil).Subject = o.Subject
	}
	o := m.basic(1)
	o.Stamped = false
	m.add("time by the log alone", true, o, nil)
	o = m.basic(1)
	o.NoPromise = true
	m.add("time by the authority alone, log 1", true, o, nil)
	o = m.basic(1)
	o.Hashed = true
	m.add("envelope as what it signs, log 1", true, o, nil).Newer = true
	m.ends()
}

// ends are times at the very end of trust, which are within it.
func (m *maker) ends() {
	until := func(part string, end time.Time) func(map[string]any) {
		return func(root map[string]any) {
			for _, e := range root[part].([]any) {
				holder := e.(map[string]any)
				if key, ok := holder["publicKey"].(map[string]any); ok {
					holder = key
				}
				holder["validFor"] = map[string]any{"start": m.Start.Format(time.RFC3339), "end": end.Format(time.RFC3339)}
			}
		}
	}
	stamped, logged := m.at.Add(time.Minute), m.at.Add(2*time.Minute)
	m.add("stamped in the last second of trust", true, m.basic(2), nil).Root = m.TrustedRoot(until("timestampAuthorities", stamped))
	m.add("stamped a second later", false, m.basic(2), nil).Root = m.TrustedRoot(until("timestampAuthorities", stamped.Add(-time.Second)))
	o := m.basic(1)
	o.Stamped = false
	m.add("logged in the last second of trust", true, o, nil).Root = m.TrustedRoot(until("tlogs", logged))
	m.add("logged a second later", false, o, nil).Root = m.TrustedRoot(until("tlogs", logged.Add(-time.Second)))
	stranger := New("stranger.example", m.Start, m.End)
	lend := func(root map[string]any) {
		until("timestampAuthorities", stamped.Add(-time.Second))(root)
		var other map[string]any
		check(json.Unmarshal(stranger.TrustedRoot(), &other))
		root["timestampAuthorities"] = append(root["timestampAuthorities"].([]any), other["timestampAuthorities"].([]any)...)
	}
	m.add("stamped a second later, when another is trusted", false, m.basic(2), nil).Root = m.TrustedRoot(lend)
	decoy := func(root map[string]any) {
		var other map[string]any
		check(json.Unmarshal(stranger.TrustedRoot(), &other))
		root["certificateAuthorities"] = append(other["certificateAuthorities"].([]any), root["certificateAuthorities"].([]any)...)
	}
	m.add("two that certify by one name", true, m.basic(2), nil).Root = m.TrustedRoot(decoy)
}

func (m *maker) times() {
	o := m.basic(2)
	o.Stamped = false
	m.add("no time at all, log 2", false, o, nil)
	o = m.basic(1)
	o.Stamped, o.NoPromise = false, true
	m.add("no time that anybody signed, log 1", false, o, nil)
	stranger := New("stranger.example", m.Start, m.End)
	token := func(at time.Time, by *Sigstore) func(*bundle.Bundle) {
		return func(b *bundle.Bundle) {
			b.Timestamps = [][]byte{by.TSA.Token(b.Envelope.Signature, crypto.SHA256, at)}
		}
	}
	m.add("stamped by a stranger", false, m.basic(2), token(m.at, stranger))
	m.add("stamped after the certificate", false, m.basic(2), token(m.at.Add(11*time.Minute), m.Sigstore))
	m.add("stamped before the certificate", false, m.basic(2), token(m.at.Add(-time.Minute), m.Sigstore))
	// As the conformance suite has it, every time must fit: sigstore-go 1.3.0 looks for one.
	m.add("stamped in time and after the certificate", false, m.basic(2), func(b *bundle.Bundle) {
		b.Timestamps = append(b.Timestamps, m.TSA.Token(b.Envelope.Signature, crypto.SHA256, m.at.Add(11*time.Minute)))
	}).Stricter = true
	m.add("stamp of another signature", false, m.basic(2), func(b *bundle.Bundle) {
		b.Timestamps = m.Sign(m.basic(2)).Timestamps
	})
	m.add("stamp of the message", false, m.basic(2), func(b *bundle.Bundle) {
		b.Timestamps = [][]byte{m.TSA.Token(b.Envelope.Signed(), crypto.SHA256, m.at)}
	})
	m.add("stamp altered", false, m.basic(2), func(b *bundle.Bundle) { b.Timestamps[0][len(b.Timestamps[0])-5] ^= 1 })
	short := m.add("stamped when the root did not trust the authority", false, m.basic(2), nil)
	short.Root = m.TrustedRoot(m.window("timestampAuthorities", m.at.Add(time.Hour)))
	m.add("time of the log moved", false, m.basic(1), func(b *bundle.Bundle) { b.Log[0].IntegratedTime++ })
	m.add("logged after the certificate", false, m.basic(1), func(b *bundle.Bundle) {
		b.Log[0].IntegratedTime = m.at.Add(11 * time.Minute).Unix()
		m.Promise(&b.Log[0])
	})
}

// window moves the time for which a part of the root is trusted.
func (m *maker) window(part string, start time.Time) func(map[string]any) {
	return func(root map[string]any) {
		for _, e := range root[part].([]any) {
			valid := map[string]any{"start": start.Format(time.RFC3339), "end": m.End.Format(time.RFC3339)}
			if key, ok := e.(map[string]any)["publicKey"].(map[string]any); ok {
				key["validFor"] = valid
			} else {
				e.(map[string]any)["validFor"] = valid
			}
		}
	}
}

func (m *maker) certificates() {
	stranger := New("stranger.example", m.Start, m.End)
	for name, change := range map[string]func(*Certificate){
		"certificate without promise":           func(c *Certificate) { c.CTLog = nil },
		"promise of another log":                func(c *Certificate) { c.CTLog = stranger.CTLog },
		"promise of the log for signatures":     func(c *Certificate) { c.CTLog = m.Log },
		"promise altered":                       func(c *Certificate) { c.SCT = func(b []byte) { b[len(b)-1] ^= 1 } },
		"promise for another time":              func(c *Certificate) { c.SCT = func(b []byte) { b[2+2+1+32+7] ^= 1 } },
		"promise cut":                           func(c *Certificate) { c.SCT = func(b []byte) { b[1]-- } },
		"certificate not for signing code":      func(c *Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
		"certificate over before it was logged": func(c *Certificate) { c.NotAfter = m.at.Add(30 * time.Second) },
		"certificate to come":                   func(c *Certificate) { c.NotBefore = m.at.Add(9 * time.Minute) },
	} {
		for _, version := range []int{1, 2} {
			o := m.basic(version)
			o.Certificate = append(o.Certificate, change)
			m.add(name+[]string{"", ", log 1", ", log 2"}[version], false, o, nil)
		}
	}
	// A swapped promise: of another certificate by the same authority.
	var other []byte
	taken := m.basic(2)
	taken.Certificate = append(taken.Certificate, func(c *Certificate) { c.SCT = func(b []byte) { other = bytes.Clone(b) } })
	m.Sign(taken)
	o := m.basic(2)
	o.Certificate = append(o.Certificate, func(c *Certificate) { c.SCT = func(b []byte) { copy(b, other) } })
	m.add("promise of another certificate", false, o, nil)
	foreign := stranger.Sign(stranger.basic(m.at))
	m.add("all by a stranger", false, m.basic(2), func(b *bundle.Bundle) { *b = *foreign })
	m.add("certificate by a stranger", false, m.basic(2), func(b *bundle.Bundle) { b.Certificate = foreign.Certificate })
	m.add("certificate of another signing", false, m.basic(2), func(b *bundle.Bundle) { b.Certificate = m.Sign(m.basic(2)).Certificate })
	m.add("certificate is none", false, m.basic(2), func(b *bundle.Bundle) { b.Certificate = []byte{0x30, 0} })
	m.add("certificate of the issuer", false, m.basic(2), func(b *bundle.Bundle) { b.Certificate = m.Between.Raw })
	for name, want := range map[string][2]string{
		"another person":               {"bob@example.org", Provider},
		"another provider":             {Subject, "https://accounts.example.com"},
		"provider with a slash":        {Subject, Provider + "/"},
		"person in other letters":      {"Alice@example.org", Provider},
		"person with something behind": {Subject + ".evil", Provider},
		"part of a person":             {"alice", Provider},
		"Cyrillic look-alike":          {"\u0430lice@example.org", Provider},
	} {
		c := m.add(name, false, m.basic(2), nil)
		c.Subject, c.Provider = want[0], want[1]
	}
	c := m.add("authority trusted later", false, m.basic(2), nil)
	c.Root = m.TrustedRoot(m.window("certificateAuthorities", m.at.Add(time.Hour)))
	c = m.add("log for certificates trusted later", false, m.basic(2), nil)
	c.Root = m.TrustedRoot(m.window("ctlogs", m.at.Add(time.Hour)))
	// Two names in one certificate: whose is it? sigstore-go takes the first.
	o = m.basic(2)
	o.Certificate = append(o.Certificate, func(c *Certificate) { c.EmailAddresses = append(c.EmailAddresses, "mallory@example.org") })
	m.add("two names", false, o, nil).Stricter = true
}

// basic of a stranger, who has the same time.
func (s *Sigstore) basic(at time.Time) Signing { return (&maker{Sigstore: s, at: at}).basic(2) }

func (m *maker) logs() {
	stranger := New("stranger.example", m.Start, m.End)
	for _, version := range []int{1, 2} {
		name := []string{"", ", log 1", ", log 2"}[version]
		o := m.basic(version)
		o.LogKey = stranger.Log
		m.add("checkpoint signed by another log"+name, false, o, nil)
		o = m.basic(version)
		o.Log = 0
		m.add("not logged"+name, false, o, nil)
	}
	m.attack("checkpoint altered", func(b *bundle.Bundle) {
		p := &b.Log[0].Proof
		p.Checkpoint = strings.Replace(p.Checkpoint, "\n7\n", "\n8\n", 1)
	})
	m.attack("checkpoint of another tree of the log", func(b *bundle.Bundle) {
		o := m.basic(1)
		if b.Log[0].Version == "0.0.2" {
			o = m.basic(2)
		}
		b.Log[0].Proof.Checkpoint = m.Sign(o).Log[0].Proof.Checkpoint
	})
	m.attack("no checkpoint", func(b *bundle.Bundle) { b.Log[0].Proof.Checkpoint = "none" })
	m.attack("checkpoint without signature", func(b *bundle.Bundle) {
		p := &b.Log[0].Proof
		p.Checkpoint, _, _ = strings.Cut(p.Checkpoint, "\u2014")
	})
	m.attack("proof of another place", func(b *bundle.Bundle) { b.Log[0].Proof.Index++; b.Log[0].Index++ })
	m.attack("proof cut", func(b *bundle.Bundle) { b.Log[0].Proof.Hashes = b.Log[0].Proof.Hashes[1:] })
	m.attack("proof altered", func(b *bundle.Bundle) { b.Log[0].Proof.Hashes[0][0] ^= 1 })
	m.attack("proof too long", func(b *bundle.Bundle) {
		b.Log[0].Proof.Hashes = append(b.Log[0].Proof.Hashes, make([]byte, 32))
	})
	m.attack("proof of another entry", func(b *bundle.Bundle) {
		o := m.basic(1)
		if b.Log[0].Version == "0.0.2" {
			o = m.basic(2)
		}
		b.Log[0].Proof = m.Sign(o).Log[0].Proof
	})
	m.attack("log that nobody named", func(b *bundle.Bundle) { b.Log[0].LogID = logID(stranger.Log) })
	m.add("promise of the log altered", false, m.basic(1), func(b *bundle.Bundle) { b.Log[0].Promise[len(b.Log[0].Promise)-1] ^= 1 })
	m.add("promise of the log for another entry", false, m.basic(1), func(b *bundle.Bundle) { b.Log[0].Promise = m.Sign(m.basic(1)).Log[0].Promise })
	c := m.add("log trusted later", false, m.basic(1), nil)
	c.Root = m.TrustedRoot(m.window("tlogs", m.at.Add(time.Hour)))
	// The root of the proof is not that of the checkpoint: sigstore-go does not read it in logs with tiles.
	m.add("root in the proof, log 1", false, m.basic(1), func(b *bundle.Bundle) { b.Log[0].Proof.RootHash[0] ^= 1 })
	m.add("root in the proof, log 2", false, m.basic(2), func(b *bundle.Bundle) { b.Log[0].Proof.RootHash[0] ^= 1 }).Stricter = true
	m.add("size in the proof, log 2", false, m.basic(2), func(b *bundle.Bundle) { b.Log[0].Proof.TreeSize++ }).Stricter = true
}

// entries has entries that are in the log, and about something else: the kind
// of GHSA-whqx-f9j3-ch6m.
func (m *maker) entries() {
	m.attack("entry of another signing", func(b *bundle.Bundle) {
		o := m.basic(1)
		if b.Log[0].Version == "0.0.2" {
			o = m.basic(2)
		}
		b.Log = m.Sign(o).Log
	})
	text := base64.StdEncoding.EncodeToString
	for name, part := range map[string]func(*bundle.Bundle) string{
		"signature": func(b *bundle.Bundle) string { return text(b.Envelope.Signature) },
		"payload digest": func(b *bundle.Bundle) string {
			h := sha256.Sum256(b.Envelope.Payload)
			return hex.EncodeToString(h[:])
		},
		"digest": func(b *bundle.Bundle) string {
			h := sha256.Sum256(b.Envelope.Signed())
			return text(h[:])
		},
		"key": func(b *bundle.Bundle) string { return text(b.Certificate) },
	} {
		for _, version := range []int{1, 2} {
			if version == 1 && name == "digest" || version == 2 && name == "payload digest" {
				continue
			}
			m.replaced(name, version, part)
		}
	}
	o := m.basic(1)
	o.Hashed = true
	m.add("entry of the payload, not of what the envelope signs", false, o, nil).Bundle = m.hashed(o, func(e *bundle.Envelope) []byte { return e.Payload })
	m.add("entry of another envelope, as what it signs", false, o, nil).Bundle = m.hashed(o, func(e *bundle.Envelope) []byte { return append(e.Signed(), ' ') })
	// What a bundle says that the entry is, the entry itself says as well: sigstore-go does not compare that.
	m.add("entry of another kind", false, m.basic(1), func(b *bundle.Bundle) { b.Log[0].Kind = "hashedrekord" }).Stricter = true
	m.add("entry of another version", false, m.basic(1), func(b *bundle.Bundle) { b.Log[0].Version = "0.0.2" }).Stricter = true
	m.add("entry is none", false, m.basic(1), func(b *bundle.Bundle) { b.Log[0].Body = []byte("{}") })
}

// hashed makes a bundle whose entry has the hash of something else.
func (m *maker) hashed(o Signing, what func(*bundle.Envelope) []byte) *bundle.Bundle {
	b := m.Sign(Signing{Subject: o.Subject, Provider: o.Provider, At: o.At, Type: o.Type, Payload: o.Payload, Stamped: true})
	digest := sha256.Sum256(what(b.Envelope))
	b.Log = []bundle.LogEntry{m.entry(o, b, nil, b.Envelope.Signature, digest[:])}
	return b
}

// replaced makes an entry, whole and in the log, about another signature, key
// or digest: that of a second signing.
func (m *maker) replaced(name string, version int, part func(*bundle.Bundle) string) {
	other := m.basic(version)
	other.Payload = append([]byte(" "), other.Payload...)
	second := m.Sign(other)
	o := m.basic(version)
	b := m.Sign(Signing{Subject: o.Subject, Provider: o.Provider, At: o.At, Type: o.Type, Payload: o.Payload, Stamped: true})
	o.Body = func(body string) string {
		old, replacement := part(b), part(second)
		if name == "key" && version == 1 {
			old, replacement = text64(verifier(b, nil)), text64(verifier(second, nil))
		}
		if !strings.Contains(body, old) {
			panic("nothing to replace: " + name)
		}
		return strings.Replace(body, old, replacement, 1)
	}
	e := m.entry(o, b, nil, b.Envelope.Signature, digestOf(b))
	b.Log = []bundle.LogEntry{e}
	c := m.add("entry of another "+name+[]string{"", ", log 1", ", log 2"}[version], false, m.basic(version), nil)
	c.Bundle = b
}

func text64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func digestOf(b *bundle.Bundle) []byte {
	h := sha256.Sum256(b.Envelope.Signed())
	return h[:]
}

func (m *maker) others() {
	m.attack("payload altered", func(b *bundle.Bundle) { b.Envelope.Payload = append([]byte(" "), b.Envelope.Payload...) })
	m.attack("type altered", func(b *bundle.Bundle) { b.Envelope.PayloadType = "text/plain" })
	m.attack("signature altered", func(b *bundle.Bundle) {
		s := b.Envelope.Signature
		s[len(s)-1] ^= 1
	})
	m.attack("signature by another key", func(b *bundle.Bundle) {
		b.Envelope.Signature = signHash(newKey(), b.Envelope.Signed())
	})
	o := m.basic(2)
	o.Type = ""
	m.add("bare signature of something else", false, o, nil).Message = []byte("something else")
	m.add("bare signature, digest altered", false, o, func(b *bundle.Bundle) { b.Message.Digest[0] ^= 1 })
}
