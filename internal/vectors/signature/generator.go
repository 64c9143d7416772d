package main

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"repro/format/signature"
	"repro/key"
)

// signedText is what the blocks are over. To verify a block, its contents need
// not be known.
const signedText = `{"version":1,"header":{"digest":"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},` +
	`"objects":[{"relativeId":0,"descriptorDigest":"sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",` +
	`"objectDigest":"sha256:baa5a0964d3320fbc0c6a922140453c8513ea24ab8fd0577034804a967248096"}]}`

const otherText = `{"version":1,"header":{"digest":"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},"objects":[]}`

// generator makes blocks. The first error stays.
type generator struct {
	keys  map[string]*key.Private
	files map[string][]byte
	err   error
}

func (g *generator) check(err error) {
	if g.err == nil {
		g.err = err
	}
}

func (g *generator) public(name string, p *key.Public) {
	b, err := p.Encode()
	g.check(err)
	g.files[name+".pub"] = b
}

// revocations writes Alice's key as it is after she revoked it, for each
// reason, later than she signed.
func (g *generator) revocations() {
	for _, r := range []key.Reason{key.Unspecified, key.Superseded, key.Compromised, key.Retired} {
		certificate, err := g.keys["alice"].Revoke(r, "", later)
		g.check(err)
		p, err := g.keys["alice"].Public().Revoked(certificate)
		g.check(err)
		if err == nil {
			g.public("alice-"+string(r), p)
		}
	}
}

// openpgp returns the block that a person makes at a time over text.
func (g *generator) openpgp(name string, at time.Time, text string) []byte {
	c, err := signature.Clearsign([]byte(text), g.keys[name], at)
	g.check(err)
	if err != nil {
		return nil
	}
	return c.Encode()
}

// forged signs as of a time when the key must not.
func forged(name string, at time.Time) maker {
	return func(g *generator) []byte {
		e := g.keys[name].Entity()
		pub := e.PrimaryKey
		sig := &packet.Signature{
			Version: 4, SigType: packet.SigTypeText, PubKeyAlgo: pub.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: at,
			IssuerKeyId: &pub.KeyId, IssuerKeyVersion: 4, IssuerFingerprint: pub.Fingerprint,
		}
		h := crypto.SHA256.New()
		h.Write([]byte(signedText))
		g.check(sig.Sign(h, e.PrivateKey, key.Policy(at)))
		var out bytes.Buffer
		g.check(sig.Serialize(&out))
		return armoured(out.Bytes())
	}
}

func (g *generator) envelope(text string, names ...string) *signature.Envelope {
	e := &signature.Envelope{Payload: []byte(text)}
	for _, name := range names {
		g.check(e.Sign(g.keys[name]))
	}
	return e
}

// Kinds of block: each returns what makes the file of a vector.
type maker func(*generator) []byte

func openpgp(name string, at time.Time) maker {
	return func(g *generator) []byte { return g.openpgp(name, at, signedText) }
}

func envelope(names ...string) maker {
	return func(g *generator) []byte { return g.envelope(signedText, names...).Encode() }
}

// text replaces a part of a block.
func text(m maker, old, new string) maker {
	return func(g *generator) []byte {
		b := m(g)
		if !bytes.Contains(b, []byte(old)) {
			g.check(fmt.Errorf("no %q in\n%s", old, b))
		}
		return bytes.Replace(b, []byte(old), []byte(new), 1)
	}
}

func wrap(before string, m maker, after string) maker {
	return func(g *generator) []byte { return append(append([]byte(before), m(g)...), after...) }
}

// edit changes the signature packet of Alice's block.
func edit(change func([]byte) []byte) maker {
	return func(g *generator) []byte {
		b := g.openpgp("alice", signed, signedText)
		block, _ := clearsign.Decode(b)
		var raw bytes.Buffer
		_, err := raw.ReadFrom(block.ArmoredSignature.Body)
		g.check(err)
		return armoured(change(raw.Bytes()))
	}
}

// armoured returns a block around any packet.
func armoured(packets []byte) []byte {
	var out bytes.Buffer
	out.WriteString("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + signedText + "\n")
	w, _ := armor.EncodeWithChecksumOption(&out, "PGP SIGNATURE", nil, true)
	_, _ = w.Write(packets)
	_ = w.Close()
	return out.Bytes()
}

func at(i int, v byte) func([]byte) []byte {
	return func(b []byte) []byte { b[i] = v; return b }
}

// unhashed puts a subpacket where the signature does not cover it.
func unhashed(sub ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		start := 2 + 6 + int(b[7])
		out := append(bytes.Clone(b[:start]), 0, byte(len(sub)))
		out = append(append(out, sub...), b[start+2:]...)
		out[1] += byte(len(sub))
		return out
	}
}

// hashTag changes the first of the two bytes of the hash in the packet.
func hashTag(b []byte) []byte {
	b[2+6+int(b[7])+2] ^= 1
	return b
}

// shortRSA looks like the signature of an RSA key of 1024 bits.
func shortRSA([]byte) []byte {
	body := append([]byte{4, 1, 1, 8, 0, 0, 0, 0, 0, 0, 4, 0}, bytes.Repeat([]byte{0xff}, 128)...)
	return append([]byte{0xc2, byte(len(body))}, body...)
}

// edited changes an envelope before it is written.
func edited(change func(*generator, *signature.Envelope), names ...string) maker {
	return func(g *generator) []byte {
		e := g.envelope(signedText, names...)
		change(g, e)
		return e.Encode()
	}
}

// looseBits sets bits of the last base64 character that carry no data.
func looseBits(m maker) maker {
	return func(g *generator) []byte {
		b := m(g)
		i := bytes.LastIndexByte(b, '=') - 1
		for b[i] == '=' {
			i--
		}
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		b[i] = alphabet[bytes.IndexByte([]byte(alphabet), b[i])|1]
		return b
	}
}

// plain signs the text itself instead of DSSE's encoding of it.
func plain(g *generator, e *signature.Envelope) {
	sig, err := g.keys["carol"].Signer().Sign(nil, []byte(signedText), noHash{})
	g.check(err)
	e.Signatures[0].Sig = sig
}

func payloadBase64() string { return base64.StdEncoding.EncodeToString([]byte(signedText)) }

func oldFormat(b []byte) []byte { return append([]byte{0x88, byte(len(b) - 2)}, b[2:]...) }

// checksumLine returns where the line with the checksum starts and ends.
func checksumLine(b []byte) (from, to int) {
	from = bytes.LastIndex(b, []byte("\n=")) + 1
	return from, from + 6
}

func withoutChecksum(g *generator) []byte {
	b := alice(g)
	from, to := checksumLine(b)
	return append(b[:from:from], b[to:]...)
}

func wrongChecksum(g *generator) []byte {
	b := alice(g)
	from, _ := checksumLine(b)
	copy(b[from:], "=AAAA")
	return b
}

// looseArmour sets unused bits in the base64 of the signature packet.
func looseArmour(g *generator) []byte {
	b := alice(g)
	from, _ := checksumLine(b)
	return append(looseBits(func(*generator) []byte { return bytes.Clone(b[:from]) })(g), b[from:]...)
}
