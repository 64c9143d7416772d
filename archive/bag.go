package archive

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"crypto/sha256"
	"crypto/sha512"
)

// bagDeclaration is the whole of bagit.txt.
const bagDeclaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// bagName writes a path as manifests of a bag do (RFC 8493 section 2.1.3).
var bagName = strings.NewReplacer("%", "%25", "\n", "%0A", "\r", "%0D")

// seal writes what makes a bag of the payload. The tag manifests come last and
// cover the rest.
func (d *deposit) seal() error {
	var m256, m512 bytes.Buffer
	for _, e := range d.sorted() {
		name := bagName.Replace(e.payload(d.options.Form))
		fmt.Fprintf(&m256, "%x  %s\n", e.sha256, name)
		fmt.Fprintf(&m512, "%x  %s\n", e.sha512, name)
	}
	for _, x := range d.external() { // fetch.txt names only what the manifest lists
		fmt.Fprintf(&m256, "%s  %s\n", x.sha256, bagName.Replace(x.payload()))
	}
	start, err := d.startPage()
	if err != nil {
		return err
	}
	tags := []File{
		{"START-HERE.html", start},
		{"bag-info.txt", d.bagInfo()},
		{"bagit.txt", []byte(bagDeclaration)},
	}
	if list := d.fetchList(); len(list) > 0 {
		tags = append(tags, File{"fetch.txt", list})
	}
	tags = append(tags, File{"manifest-sha256.txt", m256.Bytes()})
	if len(d.external()) == 0 { // all manifests must list the same files
		tags = append(tags, File{"manifest-sha512.txt", m512.Bytes()})
	}
	var t256, t512 bytes.Buffer
	for _, f := range tags {
		s256, s512 := sha256.Sum256(f.Content), sha512.Sum512(f.Content)
		fmt.Fprintf(&t256, "%x  %s\n", s256, f.Name)
		fmt.Fprintf(&t512, "%s  %s\n", hex.EncodeToString(s512[:]), f.Name)
	}
	tags = append(tags, File{"tagmanifest-sha256.txt", t256.Bytes()}, File{"tagmanifest-sha512.txt", t512.Bytes()})
	for _, f := range tags {
		if err := put(d.sink, f.Name, f.Content); err != nil {
			return err
		}
	}
	return nil
}

// crateManifest lists the files of a crate that stands alone, as the manifest
// of a bag does.
const crateManifest = "manifest-sha256.txt"

// sealCrate writes the checksums of a crate that stands alone.
func (d *deposit) sealCrate() error {
	var m bytes.Buffer
	for _, e := range d.sorted() {
		fmt.Fprintf(&m, "%x  %s\n", e.sha256, bagName.Replace(e.path))
	}
	return put(d.sink, crateManifest, m.Bytes())
}

func put(s sink, name string, content []byte) error {
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

// bagInfo describes the bag (RFC 8493 section 2.2.2). Its date is the image's.
func (d *deposit) bagInfo() []byte {
	p := d.manifest.Paper
	var b strings.Builder
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", label, oneLine(value))
		}
	}
	for _, org := range affiliations(p.Authors) {
		line("Source-Organization", org)
	}
	for _, a := range p.Authors {
		line("Contact-Name", a.Name)
		line("Contact-Email", a.Email)
	}
	line("External-Description", d.description())
	line("External-Identifier", d.urn())
	if d.options.DOI != "" {
		line("External-Identifier", doiURL(d.options.DOI))
	}
	line("Bagging-Date", d.date.Format("2006-01-02"))
	if d.sizesKnown() {
		line("Payload-Oxum", fmt.Sprintf("%d.%d", d.bytes()+d.externalBytes(), len(d.entries)+len(d.external())))
	}
	line("Bag-Group-Identifier", d.manifest.Paper.DOI)
	return []byte(b.String())
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
