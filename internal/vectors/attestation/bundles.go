package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"repro/attest/statement"
	"repro/format"
	"repro/format/bundle"
	"repro/key"
)

const inToto = statement.PayloadType

// good are those that pass.
var good = []vector{
	v("valid-pem", valid, "nothing: a reproduction by a PEM key, in the image", inside(func(b *base) []byte { return b.embedded(b.signed("bob", b.reproduction())) })),
	v("valid-openpgp", valid, "nothing: a reproduction by an OpenPGP key, in the image", inside(func(b *base) []byte { return b.embedded(b.signed("carol", b.reproduction())) })),
	v("valid-detached", valid, "nothing: a review in a file", beside(func(b *base) []byte { return b.signed("bob", b.review()) })),
	v("valid-spaces", valid, "white space in a file, as other programs write it", beside(func(b *base) []byte {
		return bytes.ReplaceAll(b.signed("bob", b.review()), []byte(`":`), []byte("\": \n"))
	})),
	v("valid-cosign", valid, "as cosign writes it: another predicate type, a name of its own for the subject, its hint, no key id", beside(func(b *base) []byte {
		payload := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://example.org/remark/v1","subject":[{"name":"metadata.json","digest":{"sha256":"%s"}}],"predicate":{"Data":"fine","Timestamp":1.5}}`, hexOf(b.about))
		out := b.envelope("bob", inToto, []byte(payload))
		der, _ := x509.MarshalPKIXPublicKey(b.keys["bob"].Public().Crypto())
		sum := sha256.Sum256(der)
		out.KeyHint, out.Envelope.KeyID = base64.StdEncoding.EncodeToString(sum[:]), ""
		return out.Encode()
	})),
	about("valid-two", accepted, "nothing: two attestations in the image", inside(func(b *base) []byte {
		return b.embedded(b.signed("bob", b.reproduction()), b.signed("carol", b.review()))
	}), valid, valid),
}

func hexOf(im statement.Image) string { return strings.TrimPrefix(string(im.ContentID), "sha256:") }

// replaced changes the bytes of a good bundle.
func replaced(old, replacement string) maker {
	return beside(func(b *base) []byte { return edited(b.signed("bob", b.reproduction()), old, replacement) })
}

var bundles = []vector{
	v("member-doubled", broken, "a second payload, before the first", replaced(`"dsseEnvelope":{`, `"dsseEnvelope":{"payload":"",`)),
	v("member-doubled-escaped", broken, "a second payload, its name written with an escape", replaced(`"dsseEnvelope":{`, `"dsseEnvelope":{"p\u0061yload":"",`)),
	v("member-doubled-envelope", broken, "a second dsseEnvelope", replaced(`"dsseEnvelope":{`, `"dsseEnvelope":{},"dsseEnvelope":{`)),
	v("member-unknown", broken, "a member that bundles have not", replaced(`"dsseEnvelope":{`, `"comment":"x","dsseEnvelope":{`)),
	v("member-other-case", broken, "payloadtype beside payloadType", replaced(`"payloadType"`, `"payloadtype":"application/json","payloadType"`)),
	v("member-null", broken, "null for an optional member", replaced(`"verificationMaterial":{`, `"verificationMaterial":{"tlogEntries":null,`)),
	v("tail-object", broken, "a second document behind the bundle", beside(func(b *base) []byte { return append(b.signed("bob", b.reproduction()), "{}"...) })),
	v("tail-bundle", broken, "a second bundle behind the bundle", beside(func(b *base) []byte {
		return append(b.signed("bob", b.reproduction()), b.signed("carol", b.reproduction())...)
	})),
	v("tail-nul", broken, "a NUL behind the bundle", beside(func(b *base) []byte { return append(b.signed("bob", b.reproduction()), 0) })),
	v("cut", broken, "the last byte is missing", beside(func(b *base) []byte { s := b.signed("bob", b.reproduction()); return s[:len(s)-1] })),
	v("media-type-0.2", broken, "of version 0.2", replaced("bundle.v0.3+json", "bundle.v0.2+json")),
	v("media-type-case", broken, "media type in capitals", replaced("vnd.dev.sigstore", "VND.dev.sigstore")),
	v("certificate-chain", broken, "a chain of certificates in place of the key", replaced(`"publicKey":{`, `"x509CertificateChain":{`)),
	v("certificate-and-key", broken, "a certificate beside the key", replaced(`"publicKey":{`, `"certificate":{"rawBytes":"AAAA"},"publicKey":{`)),
	v("no-key-material", broken, "neither key nor certificate", beside(func(b *base) []byte {
		return edited(b.signed("bob", b.review()), `"publicKey":{"hint":"`+string(b.keys["bob"].Fingerprint())+`"}`, "")
	})),
	v("signatures-two", broken, "the same signature twice", beside(func(b *base) []byte {
		s := b.signed("bob", b.review())
		i := bytes.Index(s, []byte(`"signatures":[`)) + len(`"signatures":[`)
		one := s[i:bytes.LastIndexByte(s, ']')]
		return bytes.Join([][]byte{s[:i], one, one, []byte(`]}}`)}, nil)
	})),
	v("signatures-two-listed", broken, "two signatures, each good", beside(func(b *base) []byte {
		s, other := b.signed("bob", b.review()), b.signed("carol", b.review())
		cut := func(s []byte) []byte {
			return s[bytes.Index(s, []byte(`"signatures":[`))+len(`"signatures":[`) : bytes.LastIndexByte(s, ']')]
		}
		return edited(s, string(cut(s)), string(cut(s))+","+string(cut(other)))
	})),
	v("signatures-none", broken, "no signature", beside(func(b *base) []byte {
		s := b.signed("bob", b.review())
		return append(s[:bytes.Index(s, []byte(`"signatures":[`))], `"signatures":[]}}`...)
	})),
	v("message-signature", broken, "a signature over a file in place of a statement", beside(func(b *base) []byte {
		out := b.envelope("bob", inToto, b.review())
		return (&bundle.Bundle{KeyHint: out.KeyHint, Message: &bundle.Message{Signature: out.Envelope.Signature}}).Encode()
	})),
	v("message-and-envelope", broken, "a signature over a file beside the statement", replaced(`"dsseEnvelope":{`, `"messageSignature":{"signature":"AAAA"},"dsseEnvelope":{`)),
	v("base64-unpadded", broken, "the signature without padding", replaced(`=="`, `"`)),
	v("base64-unused-bits", broken, "unused bits of the signature are set", beside(func(b *base) []byte {
		s := b.signed("bob", b.review())
		i := bytes.Index(s, []byte(`==","keyid"`))
		s[i-1]++
		return s
	})),
	v("base64-line-end", broken, "a line end in the signature", replaced(`=="`, `\n=="`)),
	v("base64-url", broken, "the alphabet for addresses", beside(func(b *base) []byte {
		out := b.envelope("bob", inToto, b.review())
		sig := base64.StdEncoding.EncodeToString(out.Envelope.Signature)
		return edited(out.Encode(), sig, strings.NewReplacer("+", "-", "/", "_").Replace(sig)+"-_")
	})),
	v("hint-bidi", broken, "the hint has a mark that turns text around", replaced(`"hint":"`, `"hint":"`+"\u202e")),
	v("hint-control", broken, "the hint has an escape character", replaced(`"hint":"`, `"hint":"\u001b[2J`)),
	v("key-id-not-the-hint", broken, "the envelope names another key than the bundle", replaced(`"keyid":"`, `"keyid":"x`)),
	v("nested", broken, "lists in lists", replaced(`"dsseEnvelope":{`, `"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`,"dsseEnvelope":{`)),
	v("not-utf-8", broken, "a byte that is not UTF-8", replaced(`"hint":"`, "\"hint\":\"\xff")),
}

// enveloped changes a good bundle by its parts.
func enveloped(change func(*base, *bundle.Bundle)) maker {
	return beside(func(b *base) []byte {
		out := b.envelope("bob", inToto, b.reproduction())
		change(b, out)
		return out.Encode()
	})
}

var envelopes = []vector{
	v("payload-type-json", broken, "signed as another type", beside(func(b *base) []byte { return b.envelope("bob", "application/json", b.review()).Encode() })),
	v("payload-type-metadata", broken, "signed as the type of image signatures", beside(func(b *base) []byte {
		return b.envelope("bob", "application/vnd.sylabs.sif-metadata+json", b.review()).Encode()
	})),
	v("payload-type-case", broken, "the type in capitals", beside(func(b *base) []byte { return b.envelope("bob", "Application/vnd.in-toto+json", b.review()).Encode() })),
	v("payload-type-relabelled", invalid, "signed as another type, and then called a statement", beside(func(b *base) []byte {
		out := b.envelope("bob", "application/json", b.review())
		out.Envelope.PayloadType = inToto
		return out.Encode()
	})),
	v("without-encoding", invalid, "the signature is over the payload alone", enveloped(func(b *base, out *bundle.Bundle) {
		out.Envelope.Signature = b.sign(b.keys["bob"], out.Envelope.Payload, made)
	})),
	v("signature-of-another-statement", invalid, "the signature is that of a review", enveloped(func(b *base, out *bundle.Bundle) {
		out.Envelope.Signature = b.envelope("bob", inToto, b.review()).Envelope.Signature
	})),
	v("signature-bit", invalid, "a bit of the signature", enveloped(func(_ *base, out *bundle.Bundle) { out.Envelope.Signature[5] ^= 1 })),
	v("signature-cut", invalid, "the signature is cut", enveloped(func(_ *base, out *bundle.Bundle) { out.Envelope.Signature = out.Envelope.Signature[:63] })),
	v("signature-longer", invalid, "a byte behind the signature", enveloped(func(_ *base, out *bundle.Bundle) { out.Envelope.Signature = append(out.Envelope.Signature, 0) })),
	v("payload-bit", invalid, "failed is made reproduced after signing", beside(func(b *base) []byte {
		r := ran()
		r.Results[0].Verdict = "missing"
		out := b.envelope("bob", inToto, must(statement.Reproduce(b.about, r)))
		out.Envelope.Payload = b.reproduction()
		return out.Encode()
	})),
	v("by-a-stranger", unknown, "made by Mallory", beside(func(b *base) []byte { return b.signed("mallory", b.reproduction()) })),
	v("by-a-stranger-named-bob", invalid, "made by Mallory, who calls his key Bob's", beside(func(b *base) []byte {
		out := b.envelope("mallory", inToto, b.reproduction())
		out.KeyHint, out.Envelope.KeyID = string(b.keys["bob"].Fingerprint()), string(b.keys["bob"].Fingerprint())
		return out.Encode()
	})),
	v("names-another-key", broken, "made by Bob, and calls the key Carol's", enveloped(func(b *base, out *bundle.Bundle) {
		out.KeyHint, out.Envelope.KeyID = string(b.keys["carol"].Fingerprint()), string(b.keys["carol"].Fingerprint())
	})),
	v("names-no-key-that-is", broken, "made by Bob, and calls the key x", enveloped(func(_ *base, out *bundle.Bundle) { out.KeyHint, out.Envelope.KeyID = "x", "x" })),
	v("certificate-of-nobody", unknown, "a certificate in place of the key", enveloped(func(_ *base, out *bundle.Bundle) {
		out.Certificate, out.KeyHint, out.Envelope.KeyID = []byte{0x30, 0}, "", ""
	})),
	v("openpgp-block-as-signature", broken, "an armoured block where the packet belongs", beside(func(b *base) []byte {
		out := b.envelope("carol", inToto, b.review())
		out.Envelope.Signature = []byte("-----BEGIN PGP SIGNATURE-----\n")
		return out.Encode()
	})),
	v("openpgp-packet-bit", broken, "a bit of the packet's length", beside(func(b *base) []byte {
		out := b.envelope("carol", inToto, b.review())
		out.Envelope.Signature[1] ^= 1
		return out.Encode()
	})),
	v("openpgp-two-packets", broken, "the packet twice", beside(func(b *base) []byte {
		out := b.envelope("carol", inToto, b.review())
		out.Envelope.Signature = append(out.Envelope.Signature, out.Envelope.Signature...)
		return out.Encode()
	})),
	v("openpgp-named-otherwise", broken, "made by Carol, and calls the key Alice's", beside(func(b *base) []byte {
		out := b.envelope("carol", inToto, b.review())
		out.KeyHint, out.Envelope.KeyID = string(b.keys["alice"].Fingerprint()), string(b.keys["alice"].Fingerprint())
		return out.Encode()
	})),
}

// dated is a review by an OpenPGP key as of a time at which the key may be bad.
func dated(who string, at time.Time) maker {
	return beside(func(b *base) []byte {
		out := b.envelope("bob", inToto, b.review())
		out.KeyHint = string(b.keys[who].Fingerprint())
		out.Envelope.KeyID = out.KeyHint
		out.Envelope.Signature = forced(b.keys[who], out.Envelope.Signed(), at)
		return out.Encode()
	})
}

// forced signs whatever the key's own dates say.
func forced(k *key.Private, text []byte, at time.Time) []byte {
	signing := k.Entity().PrivateKey
	sig := &packet.Signature{
		Version: 4, SigType: packet.SigTypeText, PubKeyAlgo: signing.PubKeyAlgo, Hash: k.Public().Algorithm().Hash, CreationTime: at,
		IssuerKeyId: &signing.KeyId, IssuerKeyVersion: 4, IssuerFingerprint: signing.Fingerprint,
	}
	h := sig.Hash.New()
	h.Write(text)
	if err := sig.Sign(h, signing, key.Policy(at)); err != nil {
		panic(err)
	}
	var out bytes.Buffer
	if err := sig.Serialize(&out); err != nil {
		panic(err)
	}
	return out.Bytes()
}

var keys = []vector{
	v("key-expired", expired, "signed when the key had expired", dated("expired", made)),
	v("key-expired-later", unanchored, "the key has expired since, and nobody but its owner says when this was made", dated("later", made)),
	v("key-compromised", revoked, "the key was revoked later, as compromised", dated("compromised", made)),
	v("key-not-made-yet", invalid, "dated before the key was made", dated("carol", born.Add(-time.Hour))),
	v("from-the-future", invalid, "dated tomorrow", dated("carol", now.AddDate(0, 0, 1))),
}

var objects = []vector{
	v("object-linked", broken, "the object is linked to the image's group", inside(func(b *base) []byte { return b.descriptor(put32(linkField, 0xf0000001)) })),
	about("object-linked-to-object", badFile, "the object is linked to the manifest", inside(func(b *base) []byte { return b.descriptor(put32(linkField, 1)) }), broken),
	about("object-linked-to-group-2", badFile, "the object is linked to another group", inside(func(b *base) []byte { return b.descriptor(put32(linkField, 0xf0000002)) }), broken),
	about("object-grouped", badFile, "the object is in the image's group", inside(func(b *base) []byte { return b.descriptor(put32(groupField, 0xf0000001)) }), invalid),
	about("object-in-group-2", badFile, "the object is in a group of its own", inside(func(b *base) []byte { return b.descriptor(put32(groupField, 0xf0000002)) }), invalid),
	about("object-named", badFile, "the object has a name", inside(func(b *base) []byte { return b.descriptor(func(d []byte) { copy(d[nameField:], "reproduced") }) }), invalid),
	v("object-hash", broken, "the descriptor says SHA-384", inside(func(b *base) []byte { return b.descriptor(put32(extraField, 2)) })),
	v("object-entity", broken, "the descriptor names a signer", inside(func(b *base) []byte { return b.descriptor(func(d []byte) { d[extraField+4] = 1 }) })),
	v("object-line-end", broken, "a line end behind the bundle, in the image", inside(func(b *base) []byte { return b.embedded(append(b.signed("bob", b.reproduction()), '\n')) })),
	v("object-spaces", broken, "white space in the bundle, in the image", inside(func(b *base) []byte {
		return b.embedded(bytes.ReplaceAll(b.signed("bob", b.reproduction()), []byte(`":`), []byte(`": `)))
	})),
	v("object-space-before", broken, "a space before the bundle, in the image", inside(func(b *base) []byte { return b.embedded(append([]byte(" "), b.signed("bob", b.reproduction())...)) })),
	v("object-early-media-type", broken, "the early media type, in the image", inside(func(b *base) []byte {
		return b.embedded(edited(b.signed("bob", b.reproduction()), "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3"))
	})),
	v("object-order", broken, "members in another order, in the image", inside(func(b *base) []byte {
		s := b.signed("bob", b.reproduction())
		rest := strings.TrimPrefix(string(s), `{"mediaType":"`+bundle.MediaType+`",`)
		return b.embedded([]byte(`{"mediaType":"` + bundle.MediaType + `",` + swapped(rest)))
	})),
	v("object-empty-list", broken, "an empty list of log entries, in the image", inside(func(b *base) []byte {
		return b.embedded(edited(b.signed("bob", b.reproduction()), `"verificationMaterial":{`, `"verificationMaterial":{"tlogEntries":[],`))
	})),
	v("object-junk", broken, "begins like a bundle, and is none", inside(func(b *base) []byte { return b.embedded([]byte(`{"mediaType":"` + strings.Repeat("x", 100))) })),
	v("replayed-from-a-former-edition", elsewhere, "the bundle of a former edition, in this image", inside(func(b *base) []byte {
		return b.embedded(b.signed("bob", must(statement.Reproduce(b.other, ran()))))
	})),
	about("only-attested", unsigned, "the author's signature is taken away: an attestation does not stand for one", inside(func(b *base) []byte { return b.bare(b.signed("bob", b.reproduction())) }), valid),
}

// swapped puts what follows the media type in another order.
func swapped(rest string) string {
	i := strings.Index(rest, `"dsseEnvelope"`)
	return strings.TrimSuffix(rest[i:], "}") + "," + strings.TrimSuffix(rest[:i], ",") + "}"
}

// bare is the image without signature, with an attestation.
func (b *base) bare(attestation []byte) []byte {
	return rewritten(b.image, []format.NewObject{{Attestation: true, Data: attestation}})
}
