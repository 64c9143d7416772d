package signature

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Clearsigned is an OpenPGP block.
type Clearsigned struct {
	Payload   []byte            // one line, without its end
	Signature *packet.Signature // version 4, of type text
	packet    []byte
}

const (
	beginMessage   = "-----BEGIN PGP SIGNED MESSAGE-----\n"
	beginSignature = "-----BEGIN PGP SIGNATURE-----\n"
	signatureTitle = "PGP SIGNATURE"
)

var hashNames = map[crypto.Hash]string{
	crypto.SHA256: "SHA256",
	crypto.SHA384: "SHA384",
	crypto.SHA512: "SHA512",
}

// NewClearsigned returns the block of one signature packet over payload.
func NewClearsigned(payload, signature []byte) (*Clearsigned, error) {
	switch {
	case bytes.ContainsAny(payload, "\r\n"):
		return nil, malformed("the signed text has several lines")
	case len(payload) == 0 || payload[0] == '-' || bytes.HasSuffix(payload, []byte(" ")) || bytes.HasSuffix(payload, []byte("\t")):
		return nil, malformed("the signed text is not one plain line")
	}
	sig, err := parsePacket(signature)
	if err != nil {
		return nil, err
	}
	return &Clearsigned{Payload: payload, Signature: sig, packet: signature}, nil
}

// Encode returns the bytes of the block, with the checksum that GnuPG asks for.
func (c *Clearsigned) Encode() []byte { return c.encode(true) }

func (c *Clearsigned) encode(checksum bool) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%sHash: %s\n\n%s\n", beginMessage, hashNames[c.Signature.Hash], c.Payload)
	// Writing to a Buffer does not fail.
	w, _ := armor.EncodeWithChecksumOption(&out, signatureTitle, nil, checksum)
	_, _ = w.Write(c.packet)
	_ = w.Close()
	return out.Bytes()
}

// parseClearsigned reads b, which starts with beginMessage.
func parseClearsigned(b []byte) (*Clearsigned, error) {
	head, armoured, ok := bytes.Cut(b, []byte("\n"+beginSignature))
	if !ok {
		return nil, malformed("no armoured signature")
	}
	_, rest, _ := bytes.Cut(head, []byte("\n"))
	hash, rest, ok := bytes.Cut(rest, []byte("\n"))
	blank, payload, found := bytes.Cut(rest, []byte("\n"))
	if !ok || !found || !bytes.HasPrefix(hash, []byte("Hash: ")) || len(blank) > 0 {
		return nil, malformed("want one Hash header and a blank line before the text")
	}
	if bytes.HasPrefix(payload, []byte("SIFHASH:")) {
		return nil, fmt.Errorf("%w: a legacy SIFHASH signature, which leaves the descriptors unsigned", ErrWeak)
	}
	signature, err := unarmour(armoured)
	if err != nil {
		return nil, err
	}
	c, err := NewClearsigned(payload, signature)
	if err != nil {
		return nil, err
	}
	if name := strings.TrimPrefix(string(hash), "Hash: "); name != hashNames[c.Signature.Hash] {
		return nil, malformed("header says hash %q, the signature was made with %s", name, hashNames[c.Signature.Hash])
	}
	// Other programs leave out the checksum, or end in a newline.
	b = bytes.TrimSuffix(b, []byte("\n"))
	if !bytes.Equal(b, c.encode(true)) && !bytes.Equal(b, c.encode(false)) {
		return nil, malformed("bytes that are no part of text, armour or signature")
	}
	return c, nil
}

// unarmour decodes the lines after the armour's title. It is lenient: the
// caller compares with what armouring gives.
func unarmour(b []byte) ([]byte, error) {
	b = bytes.TrimPrefix(b, []byte("\n"))
	end := bytes.IndexAny(b, "-")
	if end < 0 {
		return nil, malformed("the armour does not end")
	}
	lines := bytes.Split(bytes.TrimSuffix(b[:end], []byte("\n")), []byte("\n"))
	if last := lines[len(lines)-1]; len(last) == 5 && last[0] == '=' {
		lines = lines[:len(lines)-1]
	}
	raw, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding.Strict(), bytes.NewReader(bytes.Join(lines, nil))))
	if err != nil {
		return nil, malformed("armour: %v", err)
	}
	return raw, nil
}

// Packet returns the bytes of the signature itself, without text and armour.
func (c *Clearsigned) Packet() []byte { return c.packet }
