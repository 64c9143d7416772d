package operate

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/gateway/store"
)

var ctx = context.Background()

// gatewayFolder makes a store with one submission and its image.
func gatewayFolder(t *testing.T) (*store.Store, store.Submission) {
	t.Helper()
	s, err := store.Open(ctx, filepath.Join(t.TempDir(), "data"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.AddVenue(ctx, 0, store.Venue{ID: "j", Name: "J", Quota: 1 << 20}))
	_, err = s.AddLink(ctx, 0, store.Link{Venue: "j", Role: store.Author, Label: "Ada", Expires: time.Now().Add(time.Hour)}, store.HashOf("l"))
	must(err)
	p, err := s.Redeem(ctx, store.HashOf("l"), store.HashOf("s"), time.Hour)
	must(err)
	u, err := s.AddUpload(ctx, store.Upload{Venue: "j", Person: p.ID, Name: "x.sif", Content: manifest.DigestOf([]byte("image")), Size: 5})
	must(err)
	sub := store.Submission{Upload: u, Title: "T", Report: []byte("{}")}
	must(os.MkdirAll(filepath.Dir(s.ImagePath(sub)), 0o700))
	must(os.WriteFile(s.ImagePath(sub), []byte("image"), 0o600))
	must(s.AddSubmission(ctx, sub))
	for name, text := range map[string]string{"secret.key": "key", "venue-keys/j.pem": "venue's", "images/ab/stray.sif": "of no submission", "uploads/u": "half"} {
		must(os.MkdirAll(filepath.Dir(filepath.Join(s.Dir(), name)), 0o700))
		must(os.WriteFile(filepath.Join(s.Dir(), name), []byte(text), 0o600))
	}
	return s, sub
}

// TestBackup restores a backup that was made while others wrote.
func TestBackup(t *testing.T) {
	s, sub := gatewayFolder(t)
	stop, writing := make(chan bool), sync.WaitGroup{}
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				if err := s.SetBlind(ctx, 0, "j", store.Blinds()[i%3]); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	var b bytes.Buffer
	err := Backup(ctx, s, "runs", &b)
	close(stop)
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if err := Restore(ctx, dir, "", bytes.NewReader(b.Bytes())); err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Submission(ctx, sub.ID)
	if err != nil || got.Title != "T" {
		t.Errorf("%+v, %v", got, err)
	}
	for name, want := range map[string]string{"secret.key": "key", "venue-keys/j.pem": "venue's"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if b, err := os.ReadFile(r.ImagePath(got)); err != nil || string(b) != "image" {
		t.Errorf("image: %q, %v", b, err)
	}
	for _, name := range []string{"images/ab/stray.sif", "uploads/u"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	if err := Restore(ctx, dir, "", bytes.NewReader(b.Bytes())); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("restored over another: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir(), "backup-*")); len(left) > 0 {
		t.Errorf("left behind %q", left)
	}
}

// edited copies a backup, entry by entry.
func edited(t *testing.T, b []byte, edit func(h *tar.Header, body []byte) (keep bool, _ []byte)) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			w.Close()
			return out.Bytes()
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		keep, body := edit(h, body)
		if !keep {
			continue
		}
		h.Size = int64(len(body))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		w.Write(body)
	}
}

// TestRestoreRefuses what is not whole, altered, or leads out of the folder; and
// leaves nothing behind.
func TestRestoreRefuses(t *testing.T) {
	s, _ := gatewayFolder(t)
	var b bytes.Buffer
	if err := Backup(ctx, s, "runs", &b); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		backup []byte
		want   string
	}{
		"nothing": {nil, "not whole"}, "cut": {b.Bytes()[:b.Len()/2], "backup: "},
		"no sums": {edited(t, b.Bytes(), func(h *tar.Header, x []byte) (bool, []byte) { return h.Name != sumsName, x }), "not whole"},
		"altered": {edited(t, b.Bytes(), func(h *tar.Header, x []byte) (bool, []byte) {
			if strings.HasPrefix(h.Name, "images/") {
				x[0] ^= 1
			}
			return true, x
		}), "has not the digest"},
		"a file less": {edited(t, b.Bytes(), func(h *tar.Header, x []byte) (bool, []byte) { return h.Name != "secret.key", x }), "has not the digest"},
		"an image less": {edited(t, b.Bytes(), func(h *tar.Header, x []byte) (bool, []byte) {
			if h.Name == sumsName {
				lines := strings.SplitAfter(string(x), "\n")
				x = nil
				for _, l := range lines {
					if !strings.Contains(l, "images/") {
						x = append(x, l...)
					}
				}
			}
			return !strings.HasPrefix(h.Name, "images/"), x
		}), "lacks an image"},
		"a way out":        {edited(t, b.Bytes(), func(h *tar.Header, x []byte) (bool, []byte) { h.Name = "../" + h.Name; return true, x }), "no regular file within"},
		"an absolute name": {edited(t, b.Bytes(), func(h *tar.Header, x []byte) (bool, []byte) { h.Name = "/" + h.Name; return true, x }), "no regular file within"},
		"a link": {edited(t, b.Bytes(), func(h *tar.Header, x []byte) (bool, []byte) {
			h.Typeflag, h.Linkname = tar.TypeSymlink, "/etc"
			return true, nil
		}), "no regular file within"},
	} {
		parent := t.TempDir()
		if err := Restore(ctx, filepath.Join(parent, "x"), "", bytes.NewReader(c.backup)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("%s: leaves %v, %v", what, left, err)
		}
	}
}
