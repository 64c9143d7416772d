package format_test

import (
	"bytes"
	"context"
	"crypto"
	_ "crypto/sha512"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
)

// noisySpec is sampleSpec with files that fill several blocks of each layer, so
// that no hash tree is empty.
func noisySpec() format.Spec {
	s := sampleSpec()
	for i, l := range s.Layers {
		noise := make([]byte, 100_000)
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(noise)
		put(l.Tree, "noise", tree.NewFile(0o644, noise))
	}
	return s
}

// altered returns the image of b in a file of its own, with the byte at off
// changed.
func altered(t *testing.T, b []byte, off int64) *format.Image {
	t.Helper()
	name := filepath.Join(t.TempDir(), "altered.sif")
	b = bytes.Clone(b)
	b[off] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, name)
}

func object(t *testing.T, im *format.Image, name string) format.Object {
	t.Helper()
	i := slices.IndexFunc(im.Objects(), func(o format.Object) bool { return o.Name == name })
	if i < 0 {
		t.Fatalf("no object %q", name)
	}
	return im.Objects()[i]
}

// TestContent reads every object by its name, and each with its last byte
// changed: those that the manifest binds end with an error that names them.
func TestContent(t *testing.T) {
	b := read(t, create(t, noisySpec()))
	im := open(t, create(t, noisySpec()))
	for _, o := range im.Objects() {
		r, err := im.Content(o.Name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, b[o.Offset:o.Offset+o.Size]) {
			t.Errorf("%s: %d bytes, %v", o.Name, len(got), err)
		}
		if o.Name == format.ManifestName {
			continue // what binds the others
		}
		bad := altered(t, b, o.Offset+o.Size-1)
		if r, err = bad.Content(o.Name); err == nil {
			_, err = io.ReadAll(r)
		}
		var named *format.AlteredError
		if !errors.As(err, &named) || named.Object != o.Name {
			t.Errorf("%s with its last byte changed: %v", o.Name, err)
		}
	}
	if _, err := im.Content("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a name that is not there: %v", err)
	}
}

// TestContentOfSignatures: nothing binds a signature, and two without a name
// are not told apart.
func TestContentOfSignatures(t *testing.T) {
	name := create(t, noisySpec())
	for i, text := range []string{"one", "two"} {
		if err := format.Append(context.Background(), name, format.NewObject{Data: []byte(text)}); err != nil {
			t.Fatal(err)
		}
		im := open(t, name)
		r, err := im.Content("")
		switch {
		case i == 1:
			if !errors.Is(err, format.ErrMalformed) || !strings.Contains(err.Error(), `object "": 2 objects have this name`) {
				t.Errorf("two of one name: %v", err)
			}
		case err != nil:
			t.Fatal(err)
		default:
			if got, err := io.ReadAll(r); string(got) != text || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		}
	}
}

// cutWriter fails behind so many bytes.
type cutWriter struct {
	bytes.Buffer
	left int
}

var errFull = errors.New("full")

func (w *cutWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		return 0, errFull
	}
	w.left -= len(p)
	return w.Buffer.Write(p)
}

// TestCheckCopy: what is copied is the file, and every object with a changed
// byte is named, as Check does.
func TestCheckCopy(t *testing.T) {
	ctx := context.Background()
	im := open(t, create(t, noisySpec()))
	want := read(t, im.Name())
	var reported progress.Event
	whole := &cutWriter{left: 1 << 30}
	statuses, err := im.CheckCopy(ctx, whole, func(e progress.Event) { reported = e })
	if err != nil || !bytes.Equal(whole.Bytes(), want) {
		t.Fatalf("copied %d of %d bytes: %v", whole.Len(), len(want), err)
	}
	if n := int64(len(want)); reported.Done != n || reported.Total != n || !reported.Bytes {
		t.Errorf("reported %+v of %d bytes", reported, n)
	}
	checked, err := im.Check(ctx, format.CheckOptions{Classic: true})
	if err != nil || !reflect.DeepEqual(statuses, checked) {
		t.Errorf("CheckCopy says\n%+v\nCheck says\n%+v, %v", statuses, checked, err)
	}
	for _, o := range im.Objects()[1:] {
		for _, off := range []int64{o.Offset, o.Offset + o.Size - 1} {
			statuses, err := altered(t, want, off).CheckCopy(ctx, io.Discard, nil)
			var named *format.AlteredError
			if !errors.As(err, &named) || named.Object != o.Name || strings.Contains(err.Error(), "more") {
				t.Errorf("%s: %v", o.Name, err)
			}
			for _, s := range statuses {
				if s.Intact != (s.Name != o.Name) || s.Intact != (s.Problem == "") {
					t.Errorf("%s altered: %+v", o.Name, s)
				}
			}
		}
	}
	a, b := object(t, im, "repro.yaml"), object(t, im, "code.verity")
	two := bytes.Clone(want)
	two[a.Offset] ^= 1
	if _, err := altered(t, two, b.Offset).CheckCopy(ctx, io.Discard, nil); err == nil || !strings.HasSuffix(err.Error(), "; and 1 more") {
		t.Errorf("two altered objects: %v", err)
	}
	if _, err := altered(t, want, 200).CheckCopy(ctx, io.Discard, nil); !errors.Is(err, format.ErrMalformed) {
		t.Errorf("padding that is not zero: %v", err)
	}
	if _, err := im.CheckCopy(ctx, &cutWriter{left: 10}, nil); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := im.CheckCopy(stopped, io.Discard, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestSums: the hashes of all that is no signature, in order, whatever is added.
func TestSums(t *testing.T) {
	name := create(t, noisySpec())
	im, b := open(t, name), read(t, name)
	var want [][]byte
	for _, o := range im.Objects() {
		h := crypto.SHA384.New()
		h.Write(b[o.Offset : o.Offset+o.Size])
		want = append(want, h.Sum(nil))
	}
	if err := format.Append(context.Background(), name, format.NewObject{Data: []byte("signature")}); err != nil {
		t.Fatal(err)
	}
	for _, im := range []*format.Image{im, open(t, name)} {
		got, err := im.Sums(crypto.SHA384)
		if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%d sums of %d, %v", len(got), len(want), err)
		}
	}
	last := im.Objects()[len(im.Objects())-1]
	cut, err := format.New(io.NewSectionReader(bytes.NewReader(b), 0, last.Offset+1), im.Size(), "cut")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cut.Sums(crypto.SHA384); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "cut: object 11: 1 of ") {
		t.Errorf("a file that ends early: %v", err)
	}
}

// brokenFile fails wherever something behind from is read.
type brokenFile struct {
	io.ReaderAt
	from int64
}

var errBroken = errors.New("disk is broken")

func (b brokenFile) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errBroken
	}
	return b.ReaderAt.ReadAt(p, off)
}

// TestReadErrors: an error of the disk is one of reading, never one that says
// that the image is altered or malformed.
func TestReadErrors(t *testing.T) {
	name := create(t, noisySpec())
	b := read(t, name)
	whole := open(t, name)
	m, err := whole.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range whole.Objects()[1:] {
		im, err := format.New(brokenFile{bytes.NewReader(b), o.Offset}, int64(len(b)), "x.sif")
		if err != nil {
			t.Fatal(err)
		}
		r, err := im.Content(o.Name)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, errBroken) || errors.Is(err, format.ErrAltered) || errors.Is(err, format.ErrMalformed) {
			t.Errorf("content of %s: %v", o.Name, err)
		}
		if _, err := im.Check(context.Background(), format.CheckOptions{}); !errors.Is(err, errBroken) || errors.Is(err, format.ErrAltered) {
			t.Errorf("check with %s unreadable: %v", o.Name, err)
		}
	}
	for _, o := range m.Objects {
		if o.Role == manifest.RoleLayer {
			if _, err := whole.Layer(o.Name); err != nil {
				t.Error(err)
			}
		}
	}
}
