package archive

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
	"path"
	"slices"
	"strconv"
	"strings"

	"repro/format"
	"repro/internal/progress"
	"repro/report"
	"repro/verify"
)

// ErrDamaged is in the error about a deposit that is incomplete, altered, or
// no deposit.
var ErrDamaged = errors.New("deposit is incomplete or altered")

// What [Verify] finds about a deposit.
const (
	DepositComplete  = "complete"   // every file is there and as it was sealed; the image is signed as asked
	DepositUnsigned  = "not signed" // complete, but nobody who was asked signed the image
	DepositDamaged   = "damaged"    // a file is missing, extra or changed, or the image is
	DepositMalformed = "malformed"  // not a bag as packages of repro are
)

// VerifyOptions say how to verify a deposit.
type VerifyOptions struct {
	Trust    verify.Trust // who must have signed the image
	Unsigned bool         // let a deposit pass whose image nobody signed, or that has no image
	Workers  int          // 0: all cores
	Progress progress.Func
}

// VerifyReport is what was found about a deposit.
type VerifyReport struct {
	Version  int            `json:"version"`
	Deposit  string         `json:"deposit"` // as the caller named it
	Verdict  string         `json:"verdict"`
	Files    int            `json:"files"`  // that the manifests list
	Intact   int            `json:"intact"` // of these
	Missing  []string       `json:"missing,omitempty"`
	Extra    []string       `json:"extra,omitempty"`
	Changed  []string       `json:"changed,omitempty"`
	Fetch    []string       `json:"fetch,omitempty"`    // missing, but listed in fetch.txt
	Problems []string       `json:"problems,omitempty"` // where the bag breaks the profile
	Image    *report.Verify `json:"image,omitempty"`
}

// Limits on the bag of others.
const (
	maxBagFiles = 1 << 20
	maxTagFile  = 256 << 20
)

// checker is one call of [Verify].
type checker struct {
	source  source
	options VerifyOptions
	report  *VerifyReport
	listed  map[string]map[string]string // path → algorithm → digest
	root    string                       // of the crate: "data/" in a bag, nothing in a crate alone
}

// crateFile makes a folder a crate.
const crateFile = "ro-crate-metadata.json"

// Verify checks a deposit: that every file is there, unaltered and listed,
// that the bag keeps the profile, and that the image in it is what was signed.
// It takes the folder of a bag, a tar or zip archive of one, an OCFL object that
// holds one, or a crate alone as a zip archive or folder. The report is
// complete whatever the error, which wraps [ErrDamaged], or is that of
// [verify.Image].
func Verify(ctx context.Context, name string, o VerifyOptions) (*VerifyReport, error) {
	s, err := openSource(name)
	if err != nil {
		return nil, err
	}
	defer s.close()
	c := &checker{source: s, options: o, report: &VerifyReport{Version: 1, Deposit: name}, listed: map[string]map[string]string{}}
	if err := c.bag(ctx); err != nil {
		return nil, err
	}
	r := c.report
	for _, list := range []*[]string{&r.Missing, &r.Extra, &r.Changed, &r.Fetch} {
		slices.Sort(*list)
	}
	if len(r.Problems) > 0 {
		r.Verdict = DepositMalformed
		return r, fmt.Errorf("%s: %w: %s", name, ErrDamaged, r.Problems[0])
	}
	imageErr := c.image(ctx)
	switch n := len(r.Missing) + len(r.Extra) + len(r.Changed); {
	case n > 0:
		r.Verdict = DepositDamaged
		return r, fmt.Errorf("%s: %w: %d missing, %d extra, %d changed", name, ErrDamaged, len(r.Missing), len(r.Extra), len(r.Changed))
	case errors.Is(imageErr, verify.ErrNotSigned):
		if o.Unsigned {
			break
		}
		r.Verdict = DepositUnsigned
		return r, imageErr
	case imageErr != nil:
		r.Verdict = DepositDamaged
		return r, imageErr
	}
	r.Verdict = DepositComplete
	return r, nil
}

func (c *checker) problem(format string, args ...any) {
	c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
}

// bag checks the tag files and then every file that they list.
func (c *checker) bag(ctx context.Context) error {
	names, err := c.source.names()
	if err != nil {
		return err
	}
	if len(names) > maxBagFiles {
		return fmt.Errorf("%s: more than %d files", c.report.Deposit, maxBagFiles)
	}
	if f, ok := c.source.(*openFolder); ok && f.object != nil {
		c.report.Problems = append(c.report.Problems, checkInventory(f.object, names)...)
	}
	declaration, err := c.tag("bagit.txt")
	if errors.Is(err, fs.ErrNotExist) {
		if _, crate := names[crateFile]; crate {
			return c.crate(ctx, names)
		}
		c.problem("bagit.txt: there is none: not a bag")
		return nil
	} else if err != nil {
		return err
	}
	c.root = payloadDir + "/"
	if string(declaration) != bagDeclaration {
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
	return c.profile(names)
}

// crate checks a crate alone by the one manifest in it.
func (c *checker) crate(ctx context.Context, names map[string]int64) error {
	if err := c.manifest(crateManifest, "sha256"); errors.Is(err, fs.ErrNotExist) {
		c.problem("%s: there is none: not a crate that can be checked", crateManifest)
		return nil
	} else if err != nil {
		return err
	}
	if err := c.files(ctx, names, nil); err != nil {
		return err
	}
	return c.profile(names)
}

// tag reads a tag file.
func (c *checker) tag(name string) ([]byte, error) {
	r, err := c.source.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxTagFile+1))
	if len(b) > maxTagFile {
		return nil, fmt.Errorf("%s: more than %d bytes", name, maxTagFile)
	}
	return b, err
}

var bagUnname = strings.NewReplacer("%25", "%", "%0A", "\n", "%0a", "\n", "%0D", "\r", "%0d", "\r")

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
		file = bagUnname.Replace(strings.TrimLeft(file, " *"))
		if _, err := hex.DecodeString(digest); !ok || err != nil || len(digest) != 2*newHash().Size() || !fs.ValidPath(file) || file == "." {
			c.problem("%s: %q: not a digest and a path within the bag", name, line)
			continue
		}
		if c.root != "" && strings.HasPrefix(name, "manifest-") != strings.HasPrefix(file, c.root) {
			c.problem("%s: %q does not belong there", name, file)
			continue
		}
		if c.listed[file] == nil {
			if len(c.listed) == maxBagFiles {
				return fmt.Errorf("%s: %w: lists more than %d files", name, ErrDamaged, maxBagFiles)
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
		if len(fields) != 3 || c.listed[bagUnname.Replace(fields[2])] == nil {
			c.problem("fetch.txt: %q: not an address, a size and a file that the manifest lists", line)
			continue
		}
		fetch[bagUnname.Replace(fields[2])] = true
	}
	return fetch, nil
}

// files hashes every file that is listed and names the others.
func (c *checker) files(ctx context.Context, names map[string]int64, fetch map[string]bool) error {
	r := c.report
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
		c.options.Progress.Report(progress.Event{Task: "check files", Done: done, Total: total, Bytes: true})
	}
	for name := range names {
		if c.listed[name] == nil && !strings.HasPrefix(name, "tagmanifest-") && (c.root != "" || name != crateManifest) {
			r.Extra = append(r.Extra, name)
		}
	}
	return nil
}

// same reports whether a file has all the digests that are listed for it.
func (c *checker) same(ctx context.Context, name string) (bool, error) {
	f, err := c.source.open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := &hashing{w: io.Discard}
	defer h.stop()
	var want []string
	for _, a := range slices.Sorted(maps.Keys(c.listed[name])) {
		h.hashes = append(h.hashes, algorithms[a]())
		want = append(want, c.listed[name][a])
	}
	if _, err := h.copy(ctx, f, pieceSize); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	h.stop()
	for i, sum := range h.hashes {
		if hex.EncodeToString(sum.Sum(nil)) != want[i] {
			return false, nil
		}
	}
	return true, nil
}

// profile checks what packages of repro have beyond what bags must.
func (c *checker) profile(names map[string]int64) error {
	wanted := []string{c.root + crateFile, c.root + "ro-crate-preview.html", c.root + "repro.yaml"}
	if c.root != "" {
		wanted = append(wanted, "START-HERE.html", "bag-info.txt", "tagmanifest-sha256.txt")
	}
	for _, want := range wanted {
		if _, ok := names[want]; !ok && c.listed[want] == nil {
			c.report.Missing = append(c.report.Missing, want)
		}
	}
	if c.root == "" {
		return nil
	}
	info, err := c.tag("bag-info.txt")
	if err != nil {
		return nil // named above
	}
	for line := range strings.Lines(string(info)) {
		if oxum, ok := strings.CutPrefix(line, "Payload-Oxum: "); ok && len(c.report.Fetch) == 0 {
			var n, size int64
			for name, s := range names {
				if strings.HasPrefix(name, payloadDir+"/") {
					n, size = n+1, size+s
				}
			}
			if got := strconv.FormatInt(size, 10) + "." + strconv.FormatInt(n, 10); got != strings.TrimSpace(oxum) && len(c.report.Missing)+len(c.report.Extra)+len(c.report.Changed) == 0 {
				c.problem("bag-info.txt: Payload-Oxum is %s, the payload has %s", strings.TrimSpace(oxum), got)
			}
		}
	}
	return nil
}

// image verifies the image in the payload.
func (c *checker) image(ctx context.Context) error {
	names, err := c.source.names()
	if err != nil {
		return err
	}
	var found []string
	for name := range names {
		if path.Dir(c.root+".") == path.Dir(name) && path.Ext(name) == ".sif" {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%s: %d images in it: %w", c.report.Deposit, len(found), verify.ErrNotSigned)
	}
	r, err := c.source.at(found[0])
	if err != nil {
		return err
	}
	defer r.Close()
	im, err := format.New(r, names[found[0]], found[0])
	if err != nil {
		return err
	}
	c.report.Image, err = verify.Image(ctx, im, c.options.Trust, verify.Options{Workers: c.options.Workers, Progress: c.options.Progress})
	return err
}
