package key

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"strings"
)

// PassphraseFunc asks for the passphrase of an encrypted key. It is called at
// most once per key, and only if the key is encrypted.
type PassphraseFunc func() ([]byte, error)

// ParsePublic reads the one public key in b: an armoured or binary OpenPGP
// certificate, or PEM ("PUBLIC KEY", "RSA PUBLIC KEY").
//
// Errors wrap [ErrNotKey], [ErrPrivate], [ErrWeak] or [ErrUnsupported].
func ParsePublic(b []byte) (*Public, error) {
	switch form, err := recognise(b); {
	case err != nil:
		return nil, err
	case form == formPGPPrivate || form == formPEMPrivate:
		return nil, ErrPrivate
	case form == formPGPPublic:
		return parsePublicOpenPGP(b)
	}
	return parsePublicPEM(b)
}

// ParsePrivate reads the one private key in b: an armoured or binary OpenPGP
// key, or PEM: PKCS#8, plain or encrypted, SEC 1, PKCS#1, or a key that cosign
// encrypted. ask may be nil, then an encrypted key is refused.
//
// Errors wrap [ErrNotKey], [ErrPublic], [ErrPassphrase], [ErrWeak] or
// [ErrUnsupported], or are those of ask.
func ParsePrivate(b []byte, ask PassphraseFunc) (*Private, error) {
	switch form, err := recognise(b); {
	case err != nil:
		return nil, err
	case form == formPGPPublic || form == formPEMPublic:
		return nil, ErrPublic
	case form == formPGPPrivate:
		return parsePrivateOpenPGP(b, ask)
	}
	return parsePrivatePEM(b, ask)
}

type form int

const (
	formPGPPublic form = iota + 1
	formPGPPrivate
	formPEMPublic
	formPEMPrivate
)

// recognise tells by content what kind of key file b is.
func recognise(b []byte) (form, error) {
	if len(b) > MaxFile {
		return 0, fmt.Errorf("%w: %d bytes, at most %d are read", ErrNotKey, len(b), MaxFile)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return 0, fmt.Errorf("%w: empty", ErrNotKey)
	}
	switch tag := packetTag(b[0]); tag {
	case tagPublicKey:
		return formPGPPublic, nil
	case tagSecretKey:
		return formPGPPrivate, nil
	}
	begin := []byte("-----BEGIN ")
	at := bytes.Index(b, begin)
	if at < 0 {
		return 0, fmt.Errorf("%w: neither armour nor PEM%s", ErrNotKey, hint(b))
	}
	title, _, _ := bytes.Cut(b[at+len(begin):], []byte("-----"))
	if n := keyBlocks(b); n > 1 {
		return 0, fmt.Errorf("%w: %d keys in one file", ErrNotKey, n)
	}
	switch {
	case string(title) == "PGP PUBLIC KEY BLOCK":
		return formPGPPublic, nil
	case string(title) == "PGP PRIVATE KEY BLOCK":
		return formPGPPrivate, nil
	case string(title) == "OPENSSH PRIVATE KEY":
		return 0, fmt.Errorf("%w: OpenSSH's own format (ssh-keygen -p -m PKCS8 converts a copy of it)", ErrNotKey)
	case string(title) == "CERTIFICATE":
		return 0, fmt.Errorf("%w: an X.509 certificate (openssl x509 -pubkey -noout prints its key)", ErrNotKey)
	}
	block := firstPEM(b)
	switch {
	case block == nil:
		return 0, fmt.Errorf("%w: damaged PEM", ErrNotKey)
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return formPEMPrivate, nil
	case strings.HasSuffix(block.Type, "PUBLIC KEY"):
		return formPEMPublic, nil
	}
	return 0, fmt.Errorf("%w: PEM of type %q", ErrNotKey, block.Type)
}

// keyBlocks counts the blocks of b that hold keys, of whatever form: who reads
// the first of several in silence uses half of a file.
func keyBlocks(b []byte) (n int) {
	begin := []byte("-----BEGIN ")
	for {
		at := bytes.Index(b, begin)
		if at < 0 {
			return n
		}
		b = b[at+len(begin):]
		title, _, _ := bytes.Cut(b, []byte("-----"))
		if bytes.HasSuffix(title, []byte("KEY")) || bytes.HasSuffix(title, []byte("KEY BLOCK")) {
			n++
		}
	}
}

// firstPEM returns the first block of b that may be a key: openssl ecparam
// puts the curve's parameters before it.
func firstPEM(b []byte) *pem.Block {
	for {
		block, rest := pem.Decode(b)
		if block == nil || block.Type != "EC PARAMETERS" {
			return block
		}
		b = rest
	}
}

func hint(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("ssh-")), bytes.HasPrefix(b, []byte("ecdsa-sha2-")):
		return " (an OpenSSH public key: ssh-keygen -e -m PKCS8 converts it)"
	case bytes.HasPrefix(b, []byte("untrusted comment:")):
		return " (a signify or minisign key)"
	}
	return ""
}
