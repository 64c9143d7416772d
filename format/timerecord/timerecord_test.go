package timerecord

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func record(h crypto.Hash) *Record {
	r := &Record{Hash: h, Tokens: [][]byte{{0x30, 0}, {0x30, 1}}}
	r.Content = r.Sum([]byte("content"))
	if h != crypto.SHA256 {
		r.Objects = [][]byte{r.Sum([]byte("one")), r.Sum([]byte("two"))}
	}
	r.Add([]byte("b"))
	r.Add([]byte("a"))
	r.Add([]byte("b"))
	return r
}

func TestBytes(t *testing.T) {
	r := record(crypto.SHA256)
	const (
		content = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
		a       = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
		b       = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
	)
	stamped := `{"timeRecord":1,"hash":"sha256","content":"` + content + `","evidence":["` + b + `","` + a + `"]`
	if got := string(r.Message()); got != stamped+"}" {
		t.Errorf("stamped is %s", got)
	}
	if got := string(r.Encode()); got != stamped+`,"tokens":["MAA=","MAE="]}` {
		t.Errorf("written is %s", got)
	}
	if !Is(r.Encode()) || Is([]byte(`{"payloadType":`)) {
		t.Error("Is")
	}
	if !r.Covers([]byte("a")) || !r.Covers([]byte("b")) || r.Covers([]byte("c")) {
		t.Error("Covers")
	}
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		want := record(h)
		if got, err := Parse(want.Encode()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v", h, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	small, large := string(record(crypto.SHA256).Encode()), string(record(crypto.SHA512).Encode())
	one := hex.EncodeToString(record(crypto.SHA512).Objects[0])
	for _, c := range []struct{ from, old, replacement, want string }{
		{small, `:1,`, `:2,`, "version 2, want 1"},
		{small, `sha256`, `sha1`, `hash "sha1" is none of`},
		{small, `sha256`, `sha384`, "0 objects with hash sha384"},
		{large, `"objects":["` + one + `",`, `"objects":["` + one[2:] + `",`, "is not a hash of 64 bytes"},
		{large, `"objects":["`, `"objects":["` + strings.Repeat(one+`","`, 111), "113 objects"},
		{large, `sha512`, `sha256`, "2 objects with hash sha256"},
		{small, `"MAA=","MAE="`, ``, "0 tokens, want 1 to 16"},
		{small, `"MAA=",`, strings.Repeat(`"MAA=",`, 16), "17 tokens, want 1 to 16"},
		{small, `MAA=`, ``, "token of 0 bytes"},
		{small, `MAA=`, `MAB=`, "token of "},
		{small, `MAA=`, strings.Repeat("AAAA", 21846), "token of 65538 bytes"},
		{small, `3e23`, `ff23`, "not in ascending order"},
		{small, `3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d`, `ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb`, "not in ascending order"},
		{small, `"3e23`, `"3E23`, "not as it would be written back"},
		{small, `"hash"`, `"more":1,"hash"`, "not as it would be written back"},
		{small, `{"timeRecord"`, ` {"timeRecord"`, "not as it would be written back"},
		{small, `}`, `}}`, "invalid character"},
		{small, `"evidence":[`, `"evidence":[` + strings.Repeat(`"",`, 4095), "4097 pieces of evidence"},
		{small, `}`, strings.Repeat(" ", MaxSize+1-len(small)) + `}`, "1048577 bytes"},
	} {
		text := strings.Replace(c.from, c.old, c.replacement, 1)
		if text == c.from {
			t.Errorf("%s stands nowhere", c.old)
		}
		_, err := Parse([]byte(text))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30s: %v, want %q", c.replacement, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(record(crypto.SHA256).Encode())
	f.Add(record(crypto.SHA384).Encode())
	f.Add(record(crypto.SHA512).Encode())
	f.Add([]byte(`{"timeRecord":1,"hash":"sha256","content":"","evidence":null,"tokens":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err == nil && !bytes.Equal(r.Encode(), b) {
			t.Error("two writings of one record")
		}
	})
}
