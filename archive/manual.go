package archive

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"text/template"

	"repro/archive/deposit"
	"repro/format"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/key"
)

//go:embed without.tmpl
var withoutText string

var withoutForm = sync.OnceValue(func() *template.Template { return template.Must(template.New("without").Parse(withoutText)) })

// withoutPage is what the page says on how to do without this program. Words
// are quoted for a shell.
type withoutPage struct {
	Image, Word string
	Content     string
	Places      []place
	Layers      []place // those that steps see, lowest first
	Signatures  []withoutSignature
	Steps       bool
	Home        string
	Results     []withoutResult
}

// place is where one object lies in the image.
type place struct {
	Name, At string // At: where it is put
	Offset   int64
	Size     int64
	Skip     int64 // pages of 4096 bytes before it
	Digest   string
	Signed   bool // the signed text lists it
	Squashfs bool
}

// withoutSignature is one signature block, which is a file of the deposit.
type withoutSignature struct {
	File, Word string
	Armoured   bool // OpenPGP; else an envelope
	Type       string
	TypeLength int
	Keys       []withoutKey
	Missing    []string // fingerprints of signers whose keys are not here
}

type withoutKey struct {
	File, ID string
	Raw      bool // signs the envelope itself, not its SHA-256
}

type withoutResult struct{ New, Published string }

// without tells how to take the image apart with programs that every Linux
// has or can have.
func without(d *deposit.Deposit, im *format.Image, o Options) ([]byte, error) {
	page := withoutPage{
		Image: d.ImageName, Word: deposit.ShellWord(d.ImageName), Content: strings.TrimPrefix(string(d.ContentID), "sha256:"),
		Steps: len(d.Manifest.Steps) > 0, Home: manifest.Home,
	}
	if err := page.addPlaces(d, im); err != nil {
		return nil, err
	}
	if err := page.addSignatures(d, im, o); err != nil {
		return nil, err
	}
	for _, r := range d.Manifest.Results {
		page.Results = append(page.Results, withoutResult{deposit.ShellWord("apart/root" + r.Output), deposit.ShellWord("apart/" + format.PublishedName + ".d/" + r.Published)})
	}
	var b bytes.Buffer
	if err := withoutForm().Execute(&b, page); err != nil {
		return nil, fmt.Errorf("WITHOUT-REPRO.md: %w", err)
	}
	return b.Bytes(), nil
}

// addPlaces lists where each object lies.
func (page *withoutPage) addPlaces(d *deposit.Deposit, im *format.Image) error {
	bound := map[uint32]manifest.Object{}
	for _, o := range d.Manifest.Objects {
		bound[o.ID] = o
	}
	for _, o := range im.Objects() {
		p := place{Name: o.Name, Offset: o.Offset, Size: o.Size, Skip: o.Offset / 4096}
		m, ok := bound[o.ID]
		switch {
		case ok:
			p.Digest = strings.TrimPrefix(string(m.Digest), "sha256:")
			p.Signed, p.Squashfs = true, m.Layer != nil
			if m.Role == manifest.RoleLayer {
				page.Layers = append(page.Layers, p)
			}
		default: // the manifest or a signature, which are small
			b, err := io.ReadAll(im.Section(o))
			if err != nil {
				return err
			}
			p.Digest = strings.TrimPrefix(string(manifest.DigestOf(b)), "sha256:")
			if p.Signed = o.Type != format.DataSignature; !p.Signed {
				p.Name = signatureName(d, o)
			}
		}
		p.At = deposit.ShellWord("apart/" + p.Name)
		page.Places = append(page.Places, p)
	}
	return nil
}

// signatureName is what a signature object is called outside of the image.
func signatureName(d *deposit.Deposit, o format.Object) string {
	return fmt.Sprintf("%s.%d.sig", d.ImageName, o.ID)
}

// addSignatures lists the signatures in and beside the image that are about
// it, with the keys in the deposit that made them.
func (page *withoutPage) addSignatures(d *deposit.Deposit, im *format.Image, options Options) error {
	blocks := append([]File{}, options.Signatures...)
	for _, o := range im.Objects() {
		if o.Type == format.DataSignature {
			b, err := io.ReadAll(im.Section(o))
			if err != nil {
				return err
			}
			blocks = append(blocks, File{Name: signatureName(d, o), Content: b})
		}
	}
	for _, f := range blocks {
		block, err := signature.Parse(f.Content)
		if err != nil || manifest.DigestOf(block.Payload()) != d.ContentID {
			continue // verifying says so
		}
		name := path.Join(deposit.Signatures, path.Base(filepath.ToSlash(f.Name)))
		s := withoutSignature{
			File: name, Word: deposit.ShellWord(name), Armoured: block.Envelope == nil,
			Type: signature.PayloadType, TypeLength: len(signature.PayloadType),
		}
		if block.Envelope == nil {
			s.keys(options.Keys, block.Clearsigned.Issuer())
		} else {
			for _, x := range block.Envelope.Signatures {
				s.keys(options.Keys, x.KeyID)
			}
		}
		page.Signatures = append(page.Signatures, s)
	}
	return nil
}

// keys finds the file of the key that has a fingerprint, or a subkey that has.
func (s *withoutSignature) keys(files []File, fingerprint string) {
	for _, f := range files {
		k, err := key.ParsePublic(f.Content)
		if err != nil || !hasFingerprint(k, fingerprint) {
			continue
		}
		raw := k.Algorithm().Family == key.Ed25519.Family
		s.Keys = append(s.Keys, withoutKey{deposit.ShellWord(path.Join(deposit.Signatures, f.Name)), fingerprint, raw})
		return
	}
	s.Missing = append(s.Missing, fingerprint)
}

func hasFingerprint(k *key.Public, fingerprint string) bool {
	if string(k.Fingerprint()) == fingerprint {
		return true
	}
	if k.Entity() == nil {
		return false
	}
	for _, sub := range k.Entity().Subkeys {
		if fmt.Sprintf("%X", sub.PublicKey.Fingerprint) == fingerprint {
			return true
		}
	}
	return false
}
