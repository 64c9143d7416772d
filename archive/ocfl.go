package archive

import (
	"crypto/sha512"
	"encoding/hex"
	"io"
	"io/fs"
	"path"
	"time"
)

// ocfl writes a deposit as an object of the Oxford Common File Layout 1.1 with
// one version.
type ocfl struct {
	*folder
	deposit *deposit
	content []stored
}

type stored struct {
	name string
	hash *hashing
}

func (s *ocfl) create(name string, size int64, mode fs.FileMode) (io.WriteCloser, error) {
	w, err := s.folder.create(path.Join("v1/content", name), size, mode)
	if err != nil {
		return nil, err
	}
	h := newHashing(w)
	h.hashes = h.hashes[:1] // the inventory wants SHA-512 alone
	s.content = append(s.content, stored{name, h})
	return struct {
		io.Writer
		io.Closer
	}{h, w}, nil
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

func (s *ocfl) commit() error {
	inv := inventory{
		ID: s.deposit.urn(), Type: "https://ocfl.io/1.1/spec/#inventory",
		DigestAlgorithm: "sha512", Head: "v1", ContentDirectory: "content",
		Manifest: map[string][]string{},
	}
	state := map[string][]string{}
	for _, c := range s.content {
		sum := hex.EncodeToString(c.hash.hashes[0].Sum(nil))
		inv.Manifest[sum] = append(inv.Manifest[sum], path.Join("v1/content", c.name))
		state[sum] = append(state[sum], c.name)
	}
	user := map[string]string{"name": "Anonymous", "address": s.deposit.urn()}
	if a := s.deposit.manifest.Paper.Authors; len(a) > 0 {
		user["name"] = a[0].Name
		if a[0].ORCID != "" {
			user["address"] = orcidURL(a[0].ORCID)
		}
	}
	inv.Versions = map[string]inventoryStep{"v1": {
		Created: s.deposit.date.Format(time.RFC3339), Message: "deposit", User: user, State: state,
	}}
	b := indented(inv)
	sum := sha512.Sum512(b)
	sidecar := []byte(hex.EncodeToString(sum[:]) + " inventory.json\n")
	for _, f := range []File{
		{"0=ocfl_object_1.1", []byte("ocfl_object_1.1\n")},
		{"inventory.json", b}, {"inventory.json.sha512", sidecar},
		{"v1/inventory.json", b}, {"v1/inventory.json.sha512", sidecar},
	} {
		if err := s.put(f.Name, f.Content); err != nil {
			return err
		}
	}
	return s.folder.commit()
}

func (s *folder) put(name string, content []byte) error {
	w, err := s.create(name, int64(len(content)), 0o644)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.Write(content); err != nil {
		return err
	}
	return w.Close()
}
