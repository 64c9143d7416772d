package key

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Reason says why a key is revoked. A superseded or retired key still vouches
// for what it signed before; the others never vouched for anything.
type Reason string

// The reasons, as RFC 4880 section 5.2.3.23 numbers them.
const (
	Unspecified Reason = "unspecified" // what a certificate made in advance says
	Superseded  Reason = "superseded"
	Compromised Reason = "compromised"
	Retired     Reason = "retired"
)

var reasonCodes = map[Reason]packet.ReasonForRevocation{
	Unspecified: packet.NoReason,
	Superseded:  packet.KeySuperseded,
	Compromised: packet.KeyCompromised,
	Retired:     packet.KeyRetired,
}

// Revoke returns a revocation certificate, armoured so that `gpg --import`
// takes it. k itself does not change. Keep one that says [Unspecified] from
// the day the key is made: it is of use when the key is lost. A PEM key cannot
// be revoked ([ErrUnsupported]).
func (k *Private) Revoke(r Reason, text string, at time.Time) ([]byte, error) {
	if k.entity == nil {
		return nil, fmt.Errorf("revoke: %w for pem keys", ErrUnsupported)
	}
	code, known := reasonCodes[r]
	if !known {
		return nil, fmt.Errorf("revoke: reason %q: %w: want unspecified, superseded, compromised or retired", string(r), ErrUnsupported)
	}
	e := *k.entity
	e.Revocations = nil
	if err := e.Revoke(code, text, Policy(at)); err != nil {
		return nil, fmt.Errorf("revoke: %w", err)
	}
	var out bytes.Buffer
	comment := map[string]string{"Comment": "This is a revocation certificate"}
	w, err := armor.EncodeWithChecksumOption(&out, "PGP PUBLIC KEY BLOCK", comment, true)
	if err != nil {
		return nil, err
	}
	if err := e.Revocations[0].Packet.Serialize(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Revoked returns p as the revocation certificate leaves it. A certificate
// that p itself did not make is refused ([ErrNotKey]).
func (p *Public) Revoked(certificate []byte) (*Public, error) {
	if p.entity == nil {
		return nil, fmt.Errorf("revoke: %w for pem keys", ErrUnsupported)
	}
	if len(certificate) > MaxFile {
		return nil, fmt.Errorf("revocation certificate of %d bytes: at most %d are read", len(certificate), MaxFile)
	}
	block, err := armor.Decode(bytes.NewReader(certificate))
	if err != nil {
		return nil, fmt.Errorf("revocation certificate: %w: damaged armour", ErrNotKey)
	}
	body, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, fmt.Errorf("revocation certificate: %w: damaged armour", ErrNotKey)
	}
	pkt, err := packet.Read(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("revocation certificate: %w: %w", ErrNotKey, err)
	}
	sig, ok := pkt.(*packet.Signature)
	if !ok || sig.SigType != packet.SigTypeKeyRevocation {
		return nil, fmt.Errorf("revocation certificate: %w: it holds something else", ErrNotKey)
	}
	if err := p.entity.PrimaryKey.VerifyRevocationSignature(sig); err != nil {
		return nil, fmt.Errorf("revocation certificate: %w: not made by key %s", ErrNotKey, p.fingerprint)
	}
	e := *p.entity
	e.Revocations = append(slices.Clone(e.Revocations), packet.NewVerifiableSig(sig))
	return publicOpenPGP(&e)
}
