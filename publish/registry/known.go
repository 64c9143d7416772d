package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"repro/format/manifest"
	"repro/internal/atomicfile"
)

// Of each registry, a file in the cache's folder says which repository was last seen
// to have a blob: a line "DIGEST REPOSITORY" for each, the newest first. What stands
// there is a guess that spares an upload if it is right: the registry looks itself.
const (
	knownFolder  = "blobs"
	maxKnown     = 1000    // lines
	maxKnownSize = 1 << 20 // bytes
	leastKnown   = 1 << 10 // a smaller blob is sent sooner than asked for
)

func (r *Repository) knownFile() string {
	return filepath.Join(r.o.Cache, knownFolder, url.QueryEscape(r.ref.host()))
}

// known returns the lines of the registry's file that are sound.
func (r *Repository) known() (lines [][2]string) {
	if r.o.Cache == "" {
		return nil
	}
	if info, err := os.Stat(r.knownFile()); err != nil || info.Size() > maxKnownSize {
		return nil
	}
	b, err := os.ReadFile(r.knownFile())
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		digest, repository, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, err := name.NewRepository(r.ref.host() + "/" + repository); err != nil || checkDigest(manifest.Digest(digest)) != nil {
			continue
		}
		lines = append(lines, [2]string{digest, repository})
	}
	return lines
}

// remember notes that the repository has blobs. That it could not costs an upload
// some day.
func (r *Repository) remember(blobs ...descriptor) {
	if r.o.Cache == "" {
		return
	}
	var text strings.Builder
	seen := map[string]bool{}
	add := func(digest, repository string) {
		if !seen[digest] && len(seen) < maxKnown {
			seen[digest] = true
			fmt.Fprintf(&text, "%s %s\n", digest, repository)
		}
	}
	for _, b := range blobs {
		if b.Size >= leastKnown {
			add(string(b.Digest), r.ref.repository())
		}
	}
	for _, line := range r.known() {
		add(line[0], line[1])
	}
	file := r.knownFile()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err == nil {
		_ = atomicfile.Write(file, []byte(text.String()), 0o600)
	}
}

// knownIn returns another repository of the registry that had a blob, or "".
func (r *Repository) knownIn(blob manifest.Digest) string {
	for _, line := range r.known() {
		if line[0] == string(blob) && line[1] != r.ref.repository() {
			return line[1]
		}
	}
	return ""
}

// mount asks the registry to show here a blob that another of its repositories has.
// A registry that does not may begin an upload in place of it: then at is where that
// goes on. SPEC.md, REG-3.
func (r *Repository) mount(ctx context.Context, blob manifest.Digest, from string) (mounted bool, at string, err error) {
	query := url.Values{"mount": {string(blob)}, "from": {from}}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address("blobs", "uploads/")+"?"+query.Encode(), nil)
	if err != nil {
		return false, "", err
	}
	answer, err := r.do(q, http.StatusCreated, http.StatusAccepted)
	if err != nil {
		return false, "", err
	}
	if answer.StatusCode == http.StatusCreated {
		return true, "", answer.Body.Close()
	}
	at, err = uploadAddress(answer)
	return false, at, err
}
