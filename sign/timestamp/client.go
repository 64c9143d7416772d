// Package timestamp asks time-stamping authorities for tokens (RFC 3161, over
// HTTP).
//
// What an authority is sent is a hash, a random number and nothing else: it
// learns neither what is stamped nor whose it is. An answer is checked before
// it is used: it must be about that hash and number, and signed with the
// certificate that comes with it. Whether that is anybody's to believe, package
// repro/verify/timestamp says to those who name an authority.
package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"repro/verify/timestamp"
)

// timeout bounds one question to one authority.
const timeout = time.Minute

// Authority is where tokens come from.
type Authority struct {
	URL    string
	Client *http.Client // nil: one that waits for a minute

	// Trusted, if not empty, are the authorities that will count: a token by
	// another is refused at once.
	Trusted []*timestamp.Authority
}

type request struct {
	Version int
	Imprint struct {
		Hash   pkix.AlgorithmIdentifier
		Digest []byte
	}
	Nonce       *big.Int
	Certificate bool
}

var oids = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
	crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
	crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
}

// Stamp returns the response of the authority about message: DER that
// [timestamp.Parse] reads.
func (a *Authority) Stamp(ctx context.Context, message []byte, hash crypto.Hash) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	der, err := a.ask(ctx, message, hash, nonce)
	if err == nil {
		err = a.check(der, message, hash, nonce)
	}
	if err != nil {
		return nil, fmt.Errorf("time-stamping authority %s: %w", a.URL, err)
	}
	return der, nil
}

func (a *Authority) ask(ctx context.Context, message []byte, hash crypto.Hash, nonce *big.Int) ([]byte, error) {
	q := request{Version: 1, Nonce: nonce, Certificate: true}
	h := hash.New()
	h.Write(message)
	q.Imprint.Hash, q.Imprint.Digest = pkix.AlgorithmIdentifier{Algorithm: oids[hash], Parameters: asn1.NullRawValue}, h.Sum(nil)
	body, err := asn1.Marshal(q)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	client := a.Client
	if client == nil {
		client = &http.Client{Timeout: timeout}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, errors.Unwrap(err) // the URL stands in the message already
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("HTTP status %s", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, timestamp.MaxSize+1))
}

// check says whether der is the answer to what was asked.
func (a *Authority) check(der, message []byte, hash crypto.Hash, nonce *big.Int) error {
	t, err := timestamp.Parse(der)
	if err != nil {
		return err
	}
	if t.Nonce == nil || t.Nonce.Cmp(nonce) != 0 {
		return fmt.Errorf("%w: not the answer to this question (nonce)", timestamp.ErrOther)
	}
	if t.Hash != hash {
		return fmt.Errorf("%w: made with %v, asked for %v", timestamp.ErrOther, t.Hash, hash)
	}
	trusted := a.Trusted
	if len(trusted) == 0 {
		signer := t.Signer()
		if signer == nil {
			return fmt.Errorf("%w: the certificate that signed it is missing", timestamp.ErrMalformed)
		}
		trusted = []*timestamp.Authority{{Name: t.Claims(), Chain: []*x509.Certificate{signer}}}
	}
	_, err = t.Verify(message, trusted, time.Now())
	return err
}
