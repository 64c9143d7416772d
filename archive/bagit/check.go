package bagit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"repro/archive/container"
	"repro/internal/progress"
)

// Profile is what a bag must hold beyond what makes it a bag.
type Profile struct {
	Payload []string // in the payload; the first of these makes a folder a crate alone
	Tags    []string // beside the payload; not of a crate alone
}

// Result is what was found about a bag or a crate alone.
type Result struct {
	Names    map[string]int64 // files that are there, with their sizes
	Root     string           // of the payload: "data/" in a bag, "" in a crate alone
	Files    int              // that the manifests list
	Intact   int              // of these
	Missing  []string
	Extra    []string
	Changed  []string
	Fetch    []string // missing, but listed in fetch.txt
	Problems []string // where it is no bag, or breaks the profile
}

// Limits on the bag of others.
const maxTag = 256 << 20 // bytes of a tag file

const bufferSize = 1 << 20 // bytes that are hashed at a time

// checker is one call of [Check].
type checker struct {
	Result
	reader   container.Reader
	profile  Profile
	progress progress.Func
	listed   map[string]map[string]string // path → algorithm → digest
}

// Check reads a bag, or a crate alone, and compares every file with the
// manifests. What is wrong with it is in the result. An error says why it could
// not be read; it wraps [container.ErrDamaged] if the bag is to blame.
func Check(ctx context.Context, r container.Reader, p Profile, report progress.Func) (*Result, error) {
	c := &checker{reader: r, profile: p, progress: report, listed: map[string]map[string]string{}}
	if err := c.bag(ctx); err != nil {
		return nil, err
	}
	for _, list := range []*[]string{&c.Missing, &c.Extra, &c.Changed, &c.Fetch} {
		slices.Sort(*list)
	}
	return &c.Result, nil
}

func (c *checker) problem(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

// bag checks the tag files and then every file that they list.
func (c *checker) bag(ctx context.Context) error {
	names, err := c.reader.Names()
	if err != nil {
		return err
	}
	if len(names) > container.MaxFiles {
		return fmt.Errorf("more than %d files", container.MaxFiles)
	}
	c.Names, c.Problems = names, container.CheckInventory(c.reader, names)
	text, err := c.tag("bagit.txt")
	if errors.Is(err, fs.ErrNotExist) {
		if _, crate := names[c.profile.Payload[0]]; crate {
			return c.crate(ctx, names)
		}
		c.problem("bagit.txt: there is none: not a bag")
		return nil
	} else if err != nil {
		return err
	}
	c.Root = Payload + "/"
	if string(text) != declaration {
		c.problem("bagit.txt: not the two lines of BagIt 1.0 in UTF-8")
	}
	manifests := 0
	for name := range names {
		algorithm, payload := strings.CutPrefix(name, "manifest-")
		if !payload {
			if algorithm, payload = strings.CutPrefix(name, "tagmanifest-"); !payload {
				continue
			}
		} else {
			manifests++
		}
		if err := c.manifest(name, strings.TrimSuffix(algorithm, ".txt")); err != nil {
			return err
		}
	}
	if manifests == 0 {
		c.problem("there is no manifest-sha256.txt or manifest-sha512.txt")
	}
	fetch, err := c.fetchable()
	if err != nil {
		return err
	}
	if err := c.files(ctx, names, fetch); err != nil {
		return err
	}
	return c.complete(names)
}

// crate checks a crate alone by the one manifest in it.
func (c *checker) crate(ctx context.Context, names map[string]int64) error {
	if err := c.manifest(CrateManifest, "sha256"); errors.Is(err, fs.ErrNotExist) {
		c.problem("%s: there is none: not a crate that can be checked", CrateManifest)
		return nil
	} else if err != nil {
		return err
	}
	if err := c.files(ctx, names, nil); err != nil {
		return err
	}
	return c.complete(names)
}

// tag reads a tag file.
func (c *checker) tag(name string) ([]byte, error) {
	r, err := c.reader.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxTag+1))
	if len(b) > maxTag {
		return nil, fmt.Errorf("%s: more than %d bytes", name, maxTag)
	}
	return b, err
}

var unescape = strings.NewReplacer("%25", "%", "%0A", "\n", "%0a", "\n", "%0D", "\r", "%0d", "\r")

// manifest takes in the digests that one manifest lists.
func (c *checker) manifest(name, algorithm string) error {
	newHash, known := algorithms[algorithm]
	if !known {
		c.problem("%s: want sha256 or sha512", name)
		return nil
	}
	b, err := c.tag(name)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(b) {
		digest, file, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
		file = unescape.Replace(strings.TrimLeft(file, " *"))
		if _, err := hex.DecodeString(digest); !ok || err != nil || len(digest) != 2*newHash().Size() || !fs.ValidPath(file) || file == "." {
			c.problem("%s: %q: not a digest and a path within the bag", name, line)
			continue
		}
		if c.Root != "" && strings.HasPrefix(name, "manifest-") != strings.HasPrefix(file, c.Root) {
			c.problem("%s: %q does not belong there", name, file)
			continue
		}
		if c.listed[file] == nil {
			if len(c.listed) == container.MaxFiles {
				return fmt.Errorf("%s: %w: lists more than %d files", name, container.ErrDamaged, container.MaxFiles)
			}
			c.listed[file] = map[string]string{}
		}
		if _, twice := c.listed[file][algorithm]; twice {
			c.problem("%s: %q is listed twice", name, file)
		}
		c.listed[file][algorithm] = strings.ToLower(digest)
	}
	return nil
}

var algorithms = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New}

// fetchable reads fetch.txt.
func (c *checker) fetchable() (map[string]bool, error) {
	fetch := map[string]bool{}
	b, err := c.tag("fetch.txt")
	if errors.Is(err, fs.ErrNotExist) {
		return fetch, nil
	} else if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(b) {
		fields := strings.SplitN(strings.TrimRight(string(line), "\r\n"), " ", 3)
		if len(fields) != 3 || c.listed[unescape.Replace(fields[2])] == nil {
			c.problem("fetch.txt: %q: not an address, a size and a file that the manifest lists", line)
			continue
		}
		fetch[unescape.Replace(fields[2])] = true
	}
	return fetch, nil
}

// files hashes every file that is listed and names the others.
func (c *checker) files(ctx context.Context, names map[string]int64, fetch map[string]bool) error {
	r := &c.Result
	r.Files = len(c.listed)
	var done, total int64
	for _, size := range names {
		total += size
	}
	for _, name := range slices.Sorted(maps.Keys(c.listed)) {
		if _, there := names[name]; !there {
			if fetch[name] {
				r.Fetch = append(r.Fetch, name)
			} else {
				r.Missing = append(r.Missing, name)
			}
			continue
		}
		same, err := c.same(ctx, name)
		if err != nil {
			return err
		}
		if same {
			r.Intact++
		} else {
			r.Changed = append(r.Changed, name)
		}
		done += names[name]
		c.progress.Report(progress.Event{Task: "check files", Done: done, Total: total, Bytes: true})
	}
	for name := range names {
		if c.listed[name] == nil && !strings.HasPrefix(name, "tagmanifest-") && (c.Root != "" || name != CrateManifest) {
			r.Extra = append(r.Extra, name)
		}
	}
	return nil
}

// same reports whether a file has all the digests that are listed for it.
func (c *checker) same(ctx context.Context, name string) (bool, error) {
	f, err := c.reader.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var hashes []hash.Hash
	var want []string
	for _, a := range slices.Sorted(maps.Keys(c.listed[name])) {
		hashes = append(hashes, algorithms[a]())
		want = append(want, c.listed[name][a])
	}
	h := container.HashWith(io.Discard, hashes...)
	defer h.Stop()
	if _, err := h.Copy(ctx, f, bufferSize); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	h.Stop()
	for i, sum := range hashes {
		if hex.EncodeToString(sum.Sum(nil)) != want[i] {
			return false, nil
		}
	}
	return true, nil
}

// complete names what the profile wants and is not there, and compares the size
// that bag-info.txt states.
func (c *checker) complete(names map[string]int64) error {
	var wanted []string
	for _, name := range c.profile.Payload {
		wanted = append(wanted, c.Root+name)
	}
	if c.Root != "" {
		wanted = append(wanted, c.profile.Tags...)
	}
	for _, want := range wanted {
		if _, ok := names[want]; !ok && c.listed[want] == nil {
			c.Missing = append(c.Missing, want)
		}
	}
	if c.Root == "" {
		return nil
	}
	info, err := c.tag("bag-info.txt")
	if err != nil {
		return nil // named above
	}
	for line := range strings.Lines(string(info)) {
		if oxum, ok := strings.CutPrefix(line, "Payload-Oxum: "); ok && len(c.Fetch) == 0 {
			var n, size int64
			for name, s := range names {
				if strings.HasPrefix(name, Payload+"/") {
					n, size = n+1, size+s
				}
			}
			if got := strconv.FormatInt(size, 10) + "." + strconv.FormatInt(n, 10); got != strings.TrimSpace(oxum) && len(c.Missing)+len(c.Extra)+len(c.Changed) == 0 {
				c.problem("bag-info.txt: Payload-Oxum is %s, the payload has %s", strings.TrimSpace(oxum), got)
			}
		}
	}
	return nil
}
