package key

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

func parsePublicPEM(b []byte) (*Public, error) {
	block, err := onlyPEM(b)
	if err != nil {
		return nil, err
	}
	pub, err := cryptoutils.UnmarshalPEMToPublicKey(pem.EncodeToMemory(block))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKey, err)
	}
	return publicPEM(pub)
}

func parsePrivatePEM(b []byte, ask PassphraseFunc) (*Private, error) {
	block, err := onlyPEM(b)
	if err != nil {
		return nil, err
	}
	var askErr error
	asked := false
	pass := func(bool) ([]byte, error) {
		asked = true
		if ask == nil {
			askErr = fmt.Errorf("%w: the key is encrypted", ErrPassphrase)
			return nil, askErr
		}
		var phrase []byte
		if phrase, askErr = ask(); phrase == nil {
			phrase = []byte{} // nil would mean "not encrypted"
		}
		return phrase, askErr
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		if err := checkPBES2(block.Bytes); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(block.Type, "ENCRYPTED ") && block.Type != "ENCRYPTED PRIVATE KEY" {
		if err := checkScrypt(block.Bytes); err != nil {
			return nil, err
		}
	}
	priv, err := cryptoutils.UnmarshalPEMToPrivateKey(pem.EncodeToMemory(block), pass)
	switch {
	case askErr != nil:
		return nil, askErr
	case err != nil && asked:
		return nil, fmt.Errorf("%w: the key does not open", ErrPassphrase)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNotKey, err)
	}
	signer, ok := priv.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: a key of type %T does not sign", ErrUnsupported, priv)
	}
	return privatePEM(signer)
}

// onlyPEM returns the one key block of b.
func onlyPEM(b []byte) (*pem.Block, error) {
	block := firstPEM(b)
	if block == nil {
		return nil, fmt.Errorf("%w: damaged PEM", ErrNotKey)
	}
	if n := bytes.Count(b, []byte("KEY-----")); n != 2 {
		return nil, fmt.Errorf("%w: several keys in one file", ErrNotKey)
	}
	return block, nil
}

func publicPEM(pub crypto.PublicKey) (*Public, error) {
	f, algorithm, err := familyOf(pub)
	if err != nil {
		return nil, err
	}
	wire, err := f.wire(pub)
	if err != nil {
		return nil, err
	}
	return &Public{kind: PEM, fingerprint: pemFingerprint(wire), algorithm: algorithm, family: f, key: pub}, nil
}

func privatePEM(signer crypto.Signer) (*Private, error) {
	public, err := publicPEM(signer.Public())
	if err != nil {
		return nil, err
	}
	return &Private{public: public, signer: signer}, nil
}

// Limits on the work that an encrypted key may ask for.
const (
	maxPBKDF2Rounds = 10_000_000
	maxScryptMemory = 256 << 20 // bytes: 128·N·r
)

// checkPBES2 refuses an encrypted PKCS#8 key (RFC 8018 appendix A) whose
// parameters would keep the machine busy for ever.
func checkPBES2(der []byte) error {
	var outer struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	var scheme struct{ KDF, Encryption pkix.AlgorithmIdentifier }
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return fmt.Errorf("%w: %w", ErrNotKey, err)
	}
	if _, err := asn1.Unmarshal(outer.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return fmt.Errorf("%w: %w", ErrNotKey, err)
	}
	var pbkdf2 struct {
		Salt   []byte
		Rounds int
		Length int                      `asn1:"optional"`
		PRF    pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	var scrypt struct {
		Salt    []byte
		N, R, P int
		Length  int `asn1:"optional"`
	}
	parameters := scheme.KDF.Parameters.FullBytes
	switch {
	case scheme.KDF.Algorithm.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}):
		if _, err := asn1.Unmarshal(parameters, &pbkdf2); err != nil {
			return fmt.Errorf("%w: %w", ErrNotKey, err)
		}
		if pbkdf2.Rounds < 1 || pbkdf2.Rounds > maxPBKDF2Rounds {
			return fmt.Errorf("%w: pbkdf2 with %d rounds", ErrUnsupported, pbkdf2.Rounds)
		}
	case scheme.KDF.Algorithm.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}):
		if _, err := asn1.Unmarshal(parameters, &scrypt); err != nil {
			return fmt.Errorf("%w: %w", ErrNotKey, err)
		}
		if scrypt.N < 2 || scrypt.R < 1 || scrypt.P < 1 || scrypt.P > 16 || scrypt.R > 1024 || scrypt.N > maxScryptMemory/128/scrypt.R {
			return fmt.Errorf("%w: scrypt with N=%d r=%d p=%d", ErrUnsupported, scrypt.N, scrypt.R, scrypt.P)
		}
	default:
		return fmt.Errorf("%w: key encrypted with %v", ErrUnsupported, scheme.KDF.Algorithm)
	}
	return nil
}

// scryptCosts are the parameters of scrypt that cosign and its relatives write,
// and the only ones that their library reads: N, r and p.
var scryptCosts = [][3]int{{1 << 15, 8, 1}, {1 << 16, 8, 1}, {1 << 17, 8, 1}}

// checkScrypt refuses a key as cosign encrypts it whose parameters are others:
// the library calls them a wrong passphrase.
func checkScrypt(document []byte) error {
	var d struct {
		KDF struct {
			Name   string
			Params struct{ N, R, P int }
		}
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return fmt.Errorf("%w: damaged: %w", ErrNotKey, err)
	}
	p := d.KDF.Params
	if d.KDF.Name != "scrypt" || !slices.Contains(scryptCosts, [3]int{p.N, p.R, p.P}) {
		return fmt.Errorf("%w: encrypted with %.40q, N=%d r=%d p=%d", ErrUnsupported, d.KDF.Name, p.N, p.R, p.P)
	}
	return nil
}

func (p *Public) encodePEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: string(cryptoutils.PublicKeyPEMType), Bytes: der}), nil
}

func (k *Private) encodePEM(passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return cryptoutils.MarshalPrivateKeyToPEM(k.signer)
	}
	body, err := cryptoutils.MarshalPrivateKeyToEncryptedDER(k.signer, func(bool) ([]byte, error) { return passphrase, nil })
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: string(cryptoutils.EncryptedSigstorePrivateKeyPEMType), Bytes: body}), nil
}
