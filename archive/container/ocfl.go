package container

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// ocflContent is where the content of an object's one version lies.
const ocflContent = "v1/content"

// ocfl writes a deposit as an object of the Oxford Common File Layout 1.1 with
// one version.
type ocfl struct {
	*folder
	about   About
	mu      sync.Mutex
	content []stored // mu
}

type stored struct {
	name string
	hash *Hashing
}

func (s *ocfl) Create(name string, size int64, mode fs.FileMode) (io.WriteCloser, error) {
	w, err := s.folder.Create(path.Join(ocflContent, name), size, mode)
	if err != nil {
		return nil, err
	}
	h := HashWith(w, sha512.New()) // the inventory wants no other
	s.mu.Lock()
	s.content = append(s.content, stored{name, h})
	s.mu.Unlock()
	return &hashedFile{h, w}, nil
}

// hashedFile ends its lanes when it is closed.
type hashedFile struct {
	*Hashing
	file io.Closer
}

func (f *hashedFile) Close() error {
	f.Stop()
	return f.file.Close()
}

// inventory is the inventory of an OCFL object (OCFL 1.1, section 3.5).
type inventory struct {
	ID               string                   `json:"id"`
	Type             string                   `json:"type"`
	DigestAlgorithm  string                   `json:"digestAlgorithm"`
	Head             string                   `json:"head"`
	ContentDirectory string                   `json:"contentDirectory"`
	Manifest         map[string][]string      `json:"manifest"`
	Versions         map[string]inventoryStep `json:"versions"`
}

type inventoryStep struct {
	Created string              `json:"created"`
	Message string              `json:"message"`
	User    map[string]string   `json:"user"`
	State   map[string][]string `json:"state"`
}

func (s *ocfl) Commit() error {
	inv := inventory{
		ID: s.about.ID, Type: "https://ocfl.io/1.1/spec/#inventory",
		DigestAlgorithm: "sha512", Head: "v1", ContentDirectory: "content",
		Manifest: map[string][]string{},
	}
	state := map[string][]string{}
	slices.SortFunc(s.content, func(a, b stored) int { return strings.Compare(a.name, b.name) })
	for _, c := range s.content {
		sum := hex.EncodeToString(c.hash.hashes[0].Sum(nil))
		inv.Manifest[sum] = append(inv.Manifest[sum], path.Join(ocflContent, c.name))
		state[sum] = append(state[sum], c.name)
	}
	user := map[string]string{"name": s.about.Owner, "address": s.about.Address}
	inv.Versions = map[string]inventoryStep{"v1": {
		Created: s.about.Date.Format(time.RFC3339), Message: "deposit", User: user, State: state,
	}}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(inv); err != nil {
		return err
	}
	b := text.Bytes()
	sum := sha512.Sum512(b)
	sidecar := []byte(hex.EncodeToString(sum[:]) + " inventory.json\n")
	for _, f := range []struct {
		name    string
		content []byte
	}{
		{"0=ocfl_object_1.1", []byte("ocfl_object_1.1\n")},
		{"inventory.json", b}, {"inventory.json.sha512", sidecar},
		{"v1/inventory.json", b}, {"v1/inventory.json.sha512", sidecar},
	} {
		if err := Put(s.folder, f.name, f.content); err != nil {
			return err
		}
	}
	return s.folder.Commit()
}

// maxInventory bounds the inventory of others.
const maxInventory = 256 << 20

// CheckInventory says what is wrong with the inventory of the OCFL object that
// r lies in; nothing if it lies in none.
func CheckInventory(r Reader, names map[string]int64) []string {
	if f, ok := r.(*openFolder); ok && f.object != nil {
		return checkInventory(f.object, names)
	}
	return nil
}

// checkInventory says what is wrong with the inventory of an object whose
// content is one bag: its own checksum, its version, and that it lists the
// files that are there. Their digests are for the manifests of the bag.
func checkInventory(root *os.Root, names map[string]int64) []string {
	read := func(name string) ([]byte, error) {
		f, err := root.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxInventory+1))
		if err == nil && len(b) > maxInventory {
			err = fmt.Errorf("%s: more than %d bytes", name, maxInventory)
		}
		return b, err
	}
	b, err := read("inventory.json")
	if err != nil {
		return []string{err.Error()}
	}
	sidecar, err := read("inventory.json.sha512")
	if err != nil {
		return []string{err.Error()}
	}
	sum := sha512.Sum512(b)
	if digest, _, _ := strings.Cut(string(sidecar), " "); digest != hex.EncodeToString(sum[:]) {
		return []string{"inventory.json: is not what inventory.json.sha512 has the digest of"}
	}
	var inv inventory
	if err := json.Unmarshal(b, &inv); err != nil {
		return []string{fmt.Sprintf("inventory.json: %v", err)}
	}
	if inv.Head != "v1" || inv.DigestAlgorithm != "sha512" {
		return []string{"inventory.json: want one version v1 and sha512"}
	}
	var problems []string
	listed := map[string]bool{}
	for _, paths := range inv.Manifest {
		for _, p := range paths {
			name, ok := strings.CutPrefix(p, ocflContent+"/")
			if listed[name] = true; !ok {
				problems = append(problems, fmt.Sprintf("inventory.json: %q: lies outside of %s", p, ocflContent))
			} else if _, there := names[name]; !there {
				problems = append(problems, fmt.Sprintf("inventory.json: %q: is not there", p))
			}
		}
	}
	for name := range names {
		if !listed[name] {
			problems = append(problems, fmt.Sprintf("inventory.json: does not list %q", path.Join(ocflContent, name)))
		}
	}
	slices.Sort(problems)
	return problems
}
