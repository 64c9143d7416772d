package main

import (
	"crypto"
	"strings"
	"time"

	"repro/format/signature"
)

// vector is one block.
type vector struct {
	Name   string `json:"name"`
	Key    string `json:"key"`    // file of the trusted key
	Now    string `json:"now"`    // when it is verified
	Status string `json:"status"` // of the first signature
	Clause string `json:"clause"` // of SPEC.md, that decides
	block  maker
}

func v(name, key, status, clause string, block maker) vector {
	return vector{name, key, stamp(now), status, clause, block}
}

func (v vector) at(t time.Time) vector {
	v.Now = stamp(t)
	return v
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

type noHash struct{}

func (noHash) HashFunc() crypto.Hash { return 0 }

const (
	valid      = "valid"
	unanchored = "unanchored"
	invalid    = "invalid"
	unknown    = "unknown signer"
	expired    = "expired"
	revoked    = "revoked"
	weak       = "weak"
	malformed  = "malformed"
)

var (
	alice = openpgp("alice", signed)
	carol = envelope("carol")
)

const (
	hashLine = "Hash: SHA256\n"
	title    = "-----BEGIN PGP SIGNATURE-----\n"
	message  = "-----BEGIN PGP SIGNED MESSAGE-----\n"
)

var vectors = []vector{
	v("openpgp", "alice.pub", valid, "VER-14", alice),
	v("openpgp-final-newline", "alice.pub", valid, "SIG-11", wrap("", alice, "\n")),
	v("openpgp-without-checksum", "alice.pub", valid, "SIG-11", withoutChecksum),
	v("openpgp-old-packet-format", "alice.pub", valid, "SIG-12", edit(oldFormat)),
	v("openpgp-signer-clock-ahead", "alice.pub", valid, "VER-11", alice).at(signed.Add(-5 * time.Minute)),
	v("envelope", "carol.pub", valid, "VER-14", carol),
	v("envelope-two-signers", "carol.pub", valid, "SIG-16", envelope("carol", "dave")),

	v("openpgp-issuer-again", "alice.pub", valid, "SIG-13", edit(unhashed(9, 16, 0xac, 0xe4, 0x1e, 0xb2, 0xd6, 0x8f, 0xb7, 0xbf))),
	v("envelope-escaped-for-html", "carol.pub", valid, "SIG-15", text(envelope("carol", "dave"), `,{"keyid":"`, `,{"keyid":"\u003c`)),

	v("openpgp-issuer-of-another", "alice.pub", unknown, "VER-10", edit(unhashed(9, 16, 0x93, 0x05, 0x8c, 0x57, 0x12, 0x97, 0x80, 0x1a))),
	v("openpgp-by-another", "alice.pub", unknown, "VER-10", openpgp("bob", signed)),
	v("openpgp-for-pem-key", "carol.pub", unknown, "VER-10", alice),
	v("envelope-by-another", "carol.pub", unknown, "VER-10", envelope("dave")),

	v("openpgp-from-the-future", "alice.pub", invalid, "VER-11", alice).at(signed.Add(-5*time.Minute - time.Second)),
	v("openpgp-other-payload", "alice.pub", invalid, "VER-13", func(g *generator) []byte { return g.openpgp("alice", signed, otherText) }),
	v("openpgp-payload-changed", "alice.pub", invalid, "VER-11", text(func(g *generator) []byte { return g.openpgp("alice", signed, otherText) }, otherText, signedText)),
	v("openpgp-number-changed", "alice.pub", invalid, "VER-11", edit(func(b []byte) []byte { b[len(b)-20] ^= 1; return b })),
	v("envelope-other-payload", "carol.pub", invalid, "VER-13", func(g *generator) []byte { return g.envelope(otherText, "carol").Encode() }),
	v("envelope-payload-changed", "carol.pub", invalid, "VER-11", func(g *generator) []byte {
		e := g.envelope(otherText, "carol")
		e.Payload = []byte(signedText)
		return e.Encode()
	}),
	v("envelope-without-pae", "carol.pub", invalid, "SIG-16", edited(plain, "carol")),
	v("envelope-signature-changed", "carol.pub", invalid, "VER-11", edited(func(_ *generator, e *signature.Envelope) { e.Signatures[0].Sig[5] ^= 1 }, "carol")),

	v("key-expired-before", "erin.pub", expired, "VER-12", forged("erin", born.Add(3*366*24*time.Hour))),
	v("openpgp-older-than-key", "alice.pub", invalid, "VER-11", forged("alice", born.Add(-time.Hour))),
	v("key-expired-later", "erin.pub", unanchored, "VER-22", openpgp("erin", signed)),
	v("key-revoked-without-reason", "alice-unspecified.pub", revoked, "VER-12", alice),
	v("key-compromised-later", "alice-compromised.pub", revoked, "VER-12", alice),
	v("key-superseded-later", "alice-superseded.pub", unanchored, "VER-22", alice),
	v("key-retired-later", "alice-retired.pub", unanchored, "VER-22", alice),
	v("key-superseded-before", "alice-superseded.pub", revoked, "VER-12", openpgp("alice", later.Add(time.Hour))),
	v("key-retired-before", "alice-retired.pub", revoked, "VER-12", openpgp("alice", later.Add(time.Hour))),

	v("weak-md5", "alice.pub", weak, "VER-9", edit(at(5, 1))),
	v("weak-sha1", "alice.pub", weak, "VER-9", edit(at(5, 2))),
	v("weak-ripemd160", "alice.pub", weak, "VER-9", edit(at(5, 3))),
	v("weak-sha224", "alice.pub", weak, "VER-9", edit(at(5, 11))),
	v("weak-dsa", "alice.pub", weak, "VER-9", edit(at(4, 17))),
	v("weak-rsa-1024", "alice.pub", weak, "VER-9", edit(shortRSA)),
	v("weak-legacy", "alice.pub", weak, "VER-9", text(alice, signedText, "SIFHASH:\n2c26b46b68ffc68ff99b453c1d304134")),

	v("empty", "alice.pub", malformed, "SIG-4", func(*generator) []byte { return nil }),
	v("prose", "alice.pub", malformed, "SIG-4", wrap("I, Alice, sign this.\n", func(*generator) []byte { return nil }, "")),
	v("text-before", "alice.pub", malformed, "SIG-7", wrap("trust me\n", alice, "")),
	v("newline-before", "alice.pub", malformed, "SIG-7", wrap("\n", alice, "")),
	v("text-after", "alice.pub", malformed, "SIG-11", wrap("", alice, "\ntrust me\n")),
	v("two-newlines-after", "alice.pub", malformed, "SIG-11", wrap("", alice, "\n\n")),
	v("two-blocks", "alice.pub", malformed, "SIG-4", func(g *generator) []byte { return append(append(alice(g), '\n'), alice(g)...) }),
	v("carriage-returns", "alice.pub", malformed, "SIG-7", func(g *generator) []byte { return []byte(strings.ReplaceAll(string(alice(g)), "\n", "\r\n")) }),
	v("no-hash-header", "alice.pub", malformed, "SIG-7", text(alice, hashLine, "")),
	v("hash-header-twice", "alice.pub", malformed, "SIG-8", text(alice, hashLine, hashLine+hashLine)),
	v("hash-header-list", "alice.pub", malformed, "SIG-8", text(alice, hashLine, "Hash: SHA256,SHA512\n")),
	v("hash-header-differs", "alice.pub", malformed, "SIG-12", text(alice, hashLine, "Hash: SHA512\n")),
	v("comment-header", "alice.pub", malformed, "SIG-8", text(alice, hashLine, hashLine+"Comment: trust me\n")),
	v("armour-comment", "alice.pub", malformed, "SIG-8", text(alice, title+"\n", title+"Comment: trust me\n\n")),
	v("dash-escaped", "alice.pub", malformed, "SIG-9", text(alice, "\n{", "\n- {")),
	v("space-after-payload", "alice.pub", malformed, "SIG-9", text(alice, "}\n", "} \n")),
	v("second-line", "alice.pub", malformed, "SIG-1", text(alice, "}\n", "}\nmore\n")),
	v("second-message-line", "alice.pub", malformed, "SIG-7", wrap(message, alice, "")),
	v("armour-wrapped-elsewhere", "alice.pub", malformed, "SIG-10", text(alice, title+"\nw", title+"\nw\n")),
	v("armour-loose-bits", "alice.pub", malformed, "SIG-10", looseArmour),
	v("checksum-wrong", "alice.pub", malformed, "SIG-11", wrongChecksum),
	v("packet-of-another-sort", "alice.pub", malformed, "SIG-12", edit(at(0, 0xc4))),
	v("packet-twice", "alice.pub", malformed, "SIG-12", edit(func(b []byte) []byte { return append(b, b...) })),
	v("packet-long-length", "alice.pub", malformed, "SIG-12", edit(func(b []byte) []byte { return append([]byte{0xc2, 255, 0, 0, 0, b[1]}, b[2:]...) })),
	v("packet-partial-length", "alice.pub", malformed, "SIG-12", edit(at(1, 0xe1))),
	v("packet-indeterminate-length", "alice.pub", malformed, "SIG-12", edit(func(b []byte) []byte { return append([]byte{0x8b}, b[2:]...) })),
	v("packet-version-3", "alice.pub", malformed, "SIG-12", edit(at(2, 3))),
	v("packet-binary-type", "alice.pub", malformed, "SIG-12", edit(at(3, 0))),
	v("packet-hash-sha3", "alice.pub", malformed, "SIG-12", edit(at(5, 12))),
	v("packet-algorithm-99", "alice.pub", malformed, "SIG-12", edit(at(4, 99))),
	v("packet-unsigned-notation", "alice.pub", malformed, "SIG-13", edit(unhashed(3, 20, 1, 2))),
	v("packet-without-time", "alice.pub", malformed, "SIG-13", edit(at(9, 100))),
	v("packet-critical-unknown", "alice.pub", malformed, "SIG-13", edit(at(15, 0x80|100))),
	v("packet-issuer-critical", "alice.pub", malformed, "SIG-13", edit(unhashed(9, 0x80|16, 0xac, 0xe4, 0x1e, 0xb2, 0xd6, 0x8f, 0xb7, 0xbf))),
	v("packet-issuer-long-length", "alice.pub", malformed, "SIG-13", edit(unhashed(255, 0, 0, 0, 9, 16, 0xac, 0xe4, 0x1e, 0xb2, 0xd6, 0x8f, 0xb7, 0xbf))),
	v("packet-issuer-of-version-5", "alice.pub", malformed, "SIG-13", edit(unhashed(append([]byte{34, 33, 5}, make([]byte, 32)...)...))),
	v("packet-ed25519-of-68-bytes", "alice.pub", malformed, "SIG-13", edit(at(4, 27))),
	v("packet-tail", "alice.pub", malformed, "SIG-13", edit(func(b []byte) []byte { b[1] += 2; return append(b, 0, 0) })),
	v("packet-number-zero", "alice.pub", malformed, "SIG-13", edit(func(b []byte) []byte {
		b[1] -= 32 // the first number has 256 bits
		return append(append(b[:51:51], 0, 0), b[51+2+32:]...)
	})),
	v("packet-hash-tag", "alice.pub", malformed, "SIG-13", edit(hashTag)),
	v("packet-cut", "alice.pub", malformed, "SIG-13", edit(func(b []byte) []byte { b[1] -= 2; return b[:len(b)-2] })),

	v("envelope-space", "carol.pub", malformed, "SIG-15", text(carol, ":", ": ")),
	v("envelope-newline", "carol.pub", malformed, "SIG-15", wrap("", carol, "\n")),
	v("envelope-key-twice", "carol.pub", malformed, "SIG-15", text(carol, `{"payloadType"`, `{"payloadType":"x","payloadType"`)),
	v("envelope-key-case", "carol.pub", malformed, "SIG-15", text(carol, `"payloadType"`, `"PayloadType"`)),
	v("envelope-key-unknown", "carol.pub", malformed, "SIG-15", text(carol, `{"payloadType"`, `{"note":"trust me","payloadType"`)),
	v("envelope-key-order", "carol.pub", malformed, "SIG-15", text(carol, `{"payloadType":"`+signature.PayloadType+`","payload":"`+payloadBase64()+`",`, `{"payload":"`+payloadBase64()+`","payloadType":"`+signature.PayloadType+`",`)),
	v("envelope-escape", "carol.pub", malformed, "SIG-15", text(carol, `"keyid":"S`, `"keyid":"\u0053`)),
	v("envelope-not-escaped-for-html", "carol.pub", malformed, "SIG-15", text(envelope("carol", "dave"), `,{"keyid":"`, `,{"keyid":"<`)),
	v("envelope-signature-empty", "carol.pub", malformed, "SIG-15", edited(func(_ *generator, e *signature.Envelope) { e.Signatures[0].Sig = nil }, "carol")),
	v("envelope-type-in-toto", "carol.pub", malformed, "SIG-15", text(carol, signature.PayloadType, "application/vnd.in-toto+json")),
	v("envelope-url-base64", "carol.pub", malformed, "SIG-15", text(carol, `"sig":"`, `"sig":"_`)),
	v("envelope-loose-bits", "carol.pub", malformed, "SIG-15", looseBits(carol)),
	v("envelope-unsigned", "carol.pub", malformed, "SIG-16", edited(func(_ *generator, e *signature.Envelope) { e.Signatures = nil }, "carol")),
	v("envelope-same-key-twice", "carol.pub", malformed, "SIG-16", edited(func(_ *generator, e *signature.Envelope) { e.Signatures = append(e.Signatures, e.Signatures[0]) }, "carol")),
	v("envelope-key-id-of-another", "carol.pub", malformed, "VER-8", edited(func(g *generator, e *signature.Envelope) {
		e.Signatures[0].KeyID = string(g.keys["dave"].Fingerprint())
	}, "carol")),
	v("envelope-key-id-empty", "carol.pub", malformed, "VER-8", edited(func(_ *generator, e *signature.Envelope) { e.Signatures[0].KeyID = "" }, "carol")),
}
