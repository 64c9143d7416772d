package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"repro/attest"
	"repro/attest/statement"
	"repro/format"
	"repro/format/tree"
	"repro/key"
	"repro/sign"
	"repro/verify"
)

// benchVerify measures verifying and signing an image of one layer, 1 GiB of
// noise unless -size says otherwise.
func benchVerify(args []string) error {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	size := flags.Int64("size", 1<<30, "bytes of the layer")
	rounds := flags.Int("rounds", 7, "runs of each")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "repro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &verifyBench{dir: dir}
	if err := b.prepare(*size); err != nil {
		return err
	}
	if err := b.measure(*rounds); err != nil {
		return err
	}
	if err := printRuns(os.Stdout, b.hash, b.sum, b.one, b.eight, b.attested, b.sign); err != nil {
		return err
	}
	return printGoals(os.Stdout, b.goals())
}

type verifyBench struct {
	dir                          string
	hash, sum, one, eight, sign  *subject
	attested                     *subject // 8 signatures and 8 attestations, all by keys that are trusted
	image                        int64    // bytes
	copied, binary, verifierSize float64
}

const signers = 8

// pubs are the files of all signers' public keys.
func pubs(dir string) (names []string) {
	for i := range signers {
		names = append(names, filepath.Join(dir, fmt.Sprint("pub", i)))
	}
	return names
}

// prepare makes the images in another process, whose memory would otherwise
// be counted as that of those that are measured.
func (b *verifyBench) prepare(size int64) error {
	make, err := part("make images", "verify.prepare", b.dir, strconv.FormatInt(size, 10))
	if err != nil {
		return err
	}
	if err := make.run(); err != nil {
		return err
	}
	one := filepath.Join(b.dir, "one.sif")
	info, err := os.Stat(one)
	if err != nil {
		return err
	}
	b.image = info.Size()
	return b.subjects(one, filepath.Join(b.dir, "eight.sif"), filepath.Join(b.dir, "bare.sif"), filepath.Join(b.dir, "pub"))
}

// prepareImages makes images that nobody, one and eight keys signed, and the
// last once more with a review by each of them.
func prepareImages(args []string) error {
	dir := args[0]
	size, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	one, eight, bare := filepath.Join(dir, "one.sif"), filepath.Join(dir, "eight.sif"), filepath.Join(dir, "bare.sif")
	if err := makeImage(dir, bare, size); err != nil {
		return err
	}
	for _, name := range []string{one, eight} {
		if err := copyFile(name, bare); err != nil {
			return err
		}
	}
	var keys []*key.Private
	for i, pub := range pubs(dir) {
		k, err := key.New(key.OpenPGP, key.Options{Name: fmt.Sprint("Signer ", i)})
		if err != nil {
			return err
		}
		keys = append(keys, k)
		if err := writeKeys(k, pub, filepath.Join(dir, "other")); err != nil {
			return err
		}
		names := []string{eight}
		if i == 0 {
			if err := writeKeys(k, filepath.Join(dir, "pub"), filepath.Join(dir, "key")); err != nil {
				return err
			}
			names = append(names, one)
		}
		for _, name := range names {
			if _, err := sign.Image(context.Background(), name, k, sign.Options{}); err != nil {
				return err
			}
		}
	}
	attested := filepath.Join(dir, "attested.sif")
	if err := copyFile(attested, eight); err != nil {
		return err
	}
	return attestBy(attested, keys)
}

// attestBy puts a review by each of keys into an image.
func attestBy(name string, keys []*key.Private) error {
	im, err := format.Open(name)
	if err != nil {
		return err
	}
	defer im.Close()
	var bundles []attest.Bundle
	for _, k := range keys {
		o := statement.Opinion{Said: statement.Said{
			Role: "reviewer", Conflicts: "none", Words: strings.Repeat("I read it. ", 100), Made: time.Now().UTC().Format(time.RFC3339),
		}}
		b, err := attest.Opinion(context.Background(), im, statement.KindReview, o, attest.ByKey(k, time.Now()))
		if err != nil {
			return err
		}
		bundles = append(bundles, b)
	}
	_, err = attest.Embed(context.Background(), name, bundles, attest.Options{})
	return err
}

func (b *verifyBench) subjects(one, eight, bare, pub string) (err error) {
	if b.hash, err = part("Go crypto/sha256, one core", "verify.sha256", one); err != nil {
		return err
	}
	b.hash.env = []string{"GOMAXPROCS=1"}
	b.sum = &subject{name: "sha256sum", argv: []string{"sha256sum", one}}
	if b.one, err = part("verify, 1 signature", "verify.check", pub, one); err != nil {
		return err
	}
	if b.eight, err = part("verify, 8 signatures", "verify.check", pub, eight); err != nil {
		return err
	}
	argv := append(append([]string{"verify.check"}, pubs(b.dir)...), filepath.Join(b.dir, "attested.sif"))
	if b.attested, err = part("verify, 8 signatures and 8 attestations", argv...); err != nil {
		return err
	}
	b.sign, err = part("sign", "verify.sign", filepath.Join(b.dir, "key"), bare)
	return err
}

func (b *verifyBench) measure(rounds int) error {
	if err := alternate(rounds, b.hash, b.one, b.eight, b.attested, b.sum); err != nil {
		return err
	}
	if err := b.sign.run(); err != nil {
		return err
	}
	var err error
	if b.copied, err = strconv.ParseFloat(b.sign.runs[0].out, 64); err != nil {
		return fmt.Errorf("bytes read while signing: %w", err)
	}
	b.verifierSize, err = b.build("./internal/bench/verifier")
	if err == nil {
		b.binary, err = b.build("./cmd/repro")
	}
	return err
}

// build returns the size of a stripped static binary.
func (b *verifyBench) build(pkg string) (float64, error) {
	out := filepath.Join(b.dir, "binary")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("build %s: %w", pkg, err)
	}
	info, err := os.Stat(out)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()), nil
}

func (b *verifyBench) goals() []goal {
	fmt.Printf("the whole program repro: %.1f MB\n\n", b.binary/1e6)
	return []goal{
		compared("verify by one pass of Go's crypto/sha256 on one core", b.one, b.hash, 0.6),
		compared("verify 8 signatures by 1", b.eight, b.one, 1.05),
		compared("verify 8 signatures and 8 attestations by 1 signature", b.attested, b.one, 1.05),
		compared("verify by sha256sum", b.one, b.sum, 0.2),
		{measure: "bytes read by signing, by the image's", got: b.copied / float64(b.image), want: 1},
		{measure: "memory of verify", got: max(b.one.memory(), b.eight.memory(), b.attested.memory()) / (1 << 20), want: 64, unit: " MiB"},
		{measure: "memory of sign", got: b.sign.memory() / (1 << 20), want: 64, unit: " MiB"},
		{measure: "verify as a stripped static binary", got: b.verifierSize / 1e6, want: 15, unit: " MB"},
	}
}

func compared(measure string, a, b *subject, want float64) goal {
	return goal{measure: measure, got: best(a, b), want: want, median: ratio(a, b)}
}

// makeImage makes an image whose environment is size bytes of noise.
func makeImage(dir, name string, size int64) error {
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(root)
	f, err := os.Create(filepath.Join(root, "noise"))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{}), size); err != nil {
		return err
	}
	t, err := tree.FromDir(root, tree.DirOptions{})
	if err != nil {
		return err
	}
	_, err = format.Create(context.Background(), name, benchSpec(t))
	return err
}

func copyFile(to, from string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = io.Copy(w, r)
	return err
}

func writeKeys(k *key.Private, pub, private string) error {
	b, err := k.Public().Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(pub, b, 0o666); err != nil {
		return err
	}
	if b, err = k.Encode(nil); err != nil {
		return err
	}
	return os.WriteFile(private, b, 0o600)
}

// hashFile is one pass of SHA-256.
func hashFile(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 1<<20)); err != nil {
		return err
	}
	fmt.Printf("%x\n", h.Sum(nil))
	return nil
}

// verifyFile verifies an image, the last argument, by the keys before it. All
// attestations in it must count.
func verifyFile(args []string) error {
	last := len(args) - 1
	var trust verify.Trust
	for _, name := range args[:last] {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		p, err := key.ParsePublic(b)
		if err != nil {
			return err
		}
		trust.Keys = append(trust.Keys, p)
	}
	im, err := format.Open(args[last])
	if err != nil {
		return err
	}
	defer im.Close()
	r, err := verify.Image(context.Background(), im, trust, verify.Options{})
	if err != nil {
		return err
	}
	for _, a := range r.Attestations {
		if !a.Trusted {
			return fmt.Errorf("an attestation does not count: %s %s", a.Status, a.Problem)
		}
	}
	return nil
}

// signFile signs an image and prints how many bytes were read.
func signFile(args []string) error {
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	k, err := key.ParsePrivate(b, nil)
	if err != nil {
		return err
	}
	if _, err := sign.Image(context.Background(), args[1], k, sign.Options{}); err != nil {
		return err
	}
	stats, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return fmt.Errorf("needs Linux: %w", err)
	}
	line, _, _ := strings.Cut(string(stats), "\n") // rchar: bytes that read and the like returned
	fmt.Println(strings.TrimPrefix(line, "rchar: "))
	return nil
}
