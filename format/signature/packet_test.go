package signature

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// integer returns a multiprecision integer of the given size in bits.
func integer(bits int) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(bits))
	value := make([]byte, (bits+7)/8)
	if bits > 0 {
		value[0] = 1 << ((bits - 1) % 8)
	}
	return append(b, value...)
}

// TestValues holds what a signature may consist of, on both sides of each bound.
func TestValues(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	wide := integer(16)
	wide[2] = 0 // a leading zero bit: not the shortest form
	for _, c := range []struct {
		name      string
		algorithm packet.PublicKeyAlgorithm
		values    []byte
		want      error
	}{
		{"rsa", packet.PubKeyAlgoRSA, integer(2048), nil},
		{"rsa, short by chance", packet.PubKeyAlgoRSA, integer(1984), nil},
		{"rsa, too small", packet.PubKeyAlgoRSA, integer(1983), ErrWeak},
		{"rsa for signing only, too small", packet.PubKeyAlgoRSASignOnly, integer(1024), ErrWeak},
		{"rsa with two integers", packet.PubKeyAlgoRSA, join(integer(2048), integer(2048)), ErrMalformed},
		{"rsa with nothing", packet.PubKeyAlgoRSA, nil, ErrMalformed},
		{"ecdsa", packet.PubKeyAlgoECDSA, join(integer(256), integer(1)), nil},
		{"ecdsa with one integer", packet.PubKeyAlgoECDSA, integer(256), ErrMalformed},
		{"ecdsa with a zero", packet.PubKeyAlgoECDSA, join(integer(256), integer(0)), ErrMalformed},
		{"ecdsa, a byte after", packet.PubKeyAlgoECDSA, join(integer(256), integer(9), []byte{0}), ErrMalformed},
		{"ecdsa, a byte short", packet.PubKeyAlgoECDSA, join(integer(256), integer(9)[:3]), ErrMalformed},
		{"eddsa", packet.PubKeyAlgoEdDSA, join(integer(255), integer(250)), nil},
		{"eddsa, a bit too many", packet.PubKeyAlgoEdDSA, join(wide, integer(250)), ErrMalformed},
		{"ed25519", packet.PubKeyAlgoEd25519, make([]byte, 64), nil},
		{"ed25519, short", packet.PubKeyAlgoEd25519, make([]byte, 63), ErrMalformed},
		{"ed25519, long", packet.PubKeyAlgoEd25519, make([]byte, 65), ErrMalformed},
		{"dsa", packet.PubKeyAlgoDSA, join(integer(256), integer(256)), ErrWeak},
		{"elgamal", packet.PubKeyAlgoElGamal, nil, ErrWeak},
		{"encryption", packet.PubKeyAlgoECDH, integer(256), ErrMalformed},
	} {
		if err := checkValues(c.algorithm, c.values); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
