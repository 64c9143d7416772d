package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"repro/gateway/store"
	"repro/internal/atomicfile"
)

const (
	keyName   = "secret.key" // in the folder of the store
	keySize   = 32           // bytes
	nonceSize = 16           // bytes
	maxToken  = 512          // bytes of a token that is looked at
)

// Key signs links and derives the tokens of forms. Who has it can forge both.
type Key struct{ secret []byte }

// OpenKey reads the key in the folder dir, and makes it at the first start.
func OpenKey(dir string) (*Key, error) {
	name := filepath.Join(dir, keyName)
	fresh := make([]byte, keySize)
	rand.Read(fresh)
	if _, err := atomicfile.WriteNew(name, fresh, 0o600); err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(name)
	if err == nil && len(secret) != keySize {
		err = fmt.Errorf("%s: has %d bytes, not %d", name, len(secret), keySize)
	}
	return &Key{secret}, err
}

func (k *Key) sum(purpose, text string) []byte {
	m := hmac.New(sha256.New, k.secret)
	m.Write([]byte(purpose + "\x00" + text))
	return m.Sum(nil)
}

// NewLink returns a new secret that carries what a link gives, signed (GTW-4):
// the lines venue, role, expiry and a random one, and their HMAC-SHA256, each
// in base64url, with a dot between them.
func (k *Key) NewLink(l store.Link) string {
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	text := fmt.Sprintf("%s\n%s\n%d\n%x", l.Venue, l.Role, l.Expires.Unix(), nonce)
	return encode([]byte(text)) + "." + encode(k.sum("link", text))
}

// equal compares what somebody shows, in base64url, with a MAC.
func equal(shown string, mac []byte) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(shown)
	return err == nil && hmac.Equal(b, mac)
}

// checkLink says whether k signed token and it has not expired. Only such a
// token is looked for in the store, which knows whether it was revoked.
func (k *Key) checkLink(token string, now time.Time) error {
	body, sum, found := strings.Cut(token, ".")
	if len(token) > maxToken || !found {
		return store.ErrNoLink
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return store.ErrNoLink
	}
	if !equal(sum, k.sum("link", string(text))) {
		return store.ErrNoLink
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 {
		return store.ErrNoLink
	}
	expires, err := strconv.ParseInt(lines[2], 10, 64)
	if err != nil || now.Unix() >= expires {
		return store.ErrNoLink
	}
	return nil
}

// formToken is what the forms of a session carry.
func (k *Key) formToken(session string) string { return encode(k.sum("form", session)) }

// tokenPrefix begins the tokens that people make for programs, so that those who
// look for leaked secrets know one.
const tokenPrefix = "rgw_"

// NewToken returns a new secret for a program of a person.
func NewToken() string { return tokenPrefix + newSession() }

// newSession returns a new secret for a cookie.
func newSession() string {
	b := make([]byte, 32)
	rand.Read(b)
	return encode(b)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
