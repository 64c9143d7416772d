package key

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
)

// Fingerprint names one key in full. For OpenPGP it is the version 4
// fingerprint, 40 upper-case hexadecimal digits. For PEM it is "SHA256:" and
// the unpadded base64 of the SHA-256 of the key in SSH wire format (RFC 4253
// section 6.6): what `ssh-keygen -l` prints, and the key id in the DSSE
// envelopes that SIF tools write.
type Fingerprint string

// Short returns the part of f by which a person tells keys apart on a screen.
// It is not safe to decide anything by it.
func (f Fingerprint) Short() string {
	if text, ok := strings.CutPrefix(string(f), "SHA256:"); ok {
		return "SHA256:" + text[:min(12, len(text))]
	}
	return string(f[max(0, len(f)-16):])
}

// ParseFingerprint reads a fingerprint as a person writes it: OpenPGP digits
// in either case, in groups, after "0x". A shortened one is refused, because
// short key ids can be forged.
func ParseFingerprint(s string) (Fingerprint, error) {
	if text, ok := strings.CutPrefix(s, "SHA256:"); ok {
		sum, err := base64.RawStdEncoding.Strict().DecodeString(text)
		if err != nil || len(sum) != sha256.Size {
			return "", fmt.Errorf("fingerprint %q: want SHA256: and 43 characters of base64", s)
		}
		return Fingerprint(s), nil
	}
	text := strings.ToUpper(strings.TrimPrefix(strings.Join(strings.Fields(s), ""), "0x"))
	if len(text) != 40 || strings.Trim(text, "0123456789ABCDEF") != "" {
		return "", fmt.Errorf("fingerprint %q: want all 40 hexadecimal digits of an OpenPGP fingerprint, or SHA256: and 43 characters of base64", s)
	}
	return Fingerprint(text), nil
}

func openPGPFingerprint(raw []byte) Fingerprint {
	return Fingerprint(fmt.Sprintf("%X", raw))
}

// pemFingerprint returns the fingerprint of a key in SSH wire format.
func pemFingerprint(wire []byte) Fingerprint {
	sum := sha256.Sum256(wire)
	return Fingerprint("SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]))
}

func sshStrings(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}

// sshInteger returns positive n as an mpint (RFC 4251 section 5), whose first
// bit is a sign.
func sshInteger(n *big.Int) []byte {
	return append(make([]byte, 1-min(1, n.BitLen()%8)), n.Bytes()...)
}
