package signoff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"repro/attest"
	"repro/attest/statement"
	"repro/format"
	"repro/format/manifest"
	"repro/gateway/store"
	"repro/internal/atomicfile"
	"repro/key"
)

// keysName is the folder of the venues' own keys in that of a gateway.
const keysName = "venue-keys"

func keyFile(dir, venue string) string { return filepath.Join(dir, keysName, venue+".pem") }

// VenueKey returns the key of a venue in the folder of a gateway; nil if it has
// none.
func VenueKey(dir, venue string) (*key.Private, error) {
	name := keyFile(dir, venue)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k, err := key.ParsePrivate(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}

// NewVenueKey makes a key for a venue, which must not have one.
func NewVenueKey(dir, venue string) (*key.Private, error) {
	k, err := key.New(key.PEM, key.Options{Algorithm: key.Ed25519, Name: venue})
	if err != nil {
		return nil, err
	}
	b, err := k.Encode(nil)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, keysName), 0o700); err != nil {
		return nil, err
	}
	made, err := atomicfile.WriteNew(keyFile(dir, venue), b, 0o600)
	if err == nil && !made {
		err = fmt.Errorf("key: %s: %w", venue, store.ErrExists)
	}
	return k, err
}

// Opinion is what a reviewer says, for the venue to sign.
type Opinion struct {
	Kind      statement.Kind // review or endorsement
	By        store.Identity // the reviewer
	Conflicts string         // of interest
	Words     string
	Made      time.Time
}

// Sign signs what a reviewer says with a venue's own key, and names the reviewer.
func Sign(ctx context.Context, im *format.Image, k *key.Private, o Opinion) (store.Attached, error) {
	if o.Kind != statement.KindReview && o.Kind != statement.KindEndorsement {
		return store.Attached{}, refuse("%q: a venue signs reviews and endorsements", string(o.Kind))
	}
	if o.Conflicts == "" || o.Words == "" {
		return store.Attached{}, refuse("say what you found, and declare your conflicts of interest: none, or what they are")
	}
	by := &manifest.Author{Name: o.By.Name}
	if u, err := url.Parse(o.By.Issuer); err == nil && u.Hostname() == "orcid.org" {
		by.ORCID = o.By.Subject
	}
	said := statement.Said{Role: "reviewer", By: by, Conflicts: o.Conflicts, Words: o.Words, Made: o.Made.UTC().Truncate(time.Second).Format(time.RFC3339)}
	if _, err := statement.Opine(statement.Image{}, o.Kind, statement.Opinion{Said: said}); err != nil {
		return store.Attached{}, refuse("%w", err)
	}
	b, err := attest.Opinion(ctx, im, o.Kind, statement.Opinion{Said: said}, attest.ByKey(k, o.Made))
	if err != nil {
		return store.Attached{}, err
	}
	material, err := k.Public().Encode()
	return store.Attached{Bundle: b.Bytes, Digest: manifest.DigestOf(b.Bytes), Material: material}, err
}
