// Package bagit writes and checks what makes a bag of a payload: BagIt 1.0 (RFC
// 8493). A crate alone, which has no bag around it, is checked by one manifest of
// the same form.
package bagit

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"strings"
)

// Payload is the folder of a bag in which the payload lies.
const Payload = "data"

// declaration is the whole of bagit.txt.
const declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// CrateManifest lists the files of a crate alone, as the manifest of a bag does.
const CrateManifest = "manifest-sha256.txt"

// escape writes a path as manifests of a bag do (RFC 8493 section 2.1.3).
var escape = strings.NewReplacer("%", "%25", "\n", "%0A", "\r", "%0D")

// Entry is a file of the payload.
type Entry struct {
	Path   string // in the bag: data/...
	SHA256 [sha256.Size]byte
	SHA512 [sha512.Size]byte
}

// Fetch is a file of the payload that is kept elsewhere.
type Fetch struct {
	Path   string // in the bag: data/...
	URL    string
	SHA256 string // hexadecimal
	Size   int64  // 0: not known
}

// Field is a line of bag-info.txt. One without a value is left out.
type Field struct{ Label, Value string }

// Tag is a file beside the payload.
type Tag struct {
	Name    string
	Content []byte
}

// Tags returns the files that make a bag of the payload, in the order in which
// they are written: pages first, the manifests of the tags last, which cover the
// rest. Entries are in the order of their paths.
func Tags(payload []Entry, fetch []Fetch, info []Field, pages ...Tag) []Tag {
	var m256, m512 bytes.Buffer
	for _, e := range payload {
		name := escape.Replace(e.Path)
		fmt.Fprintf(&m256, "%x  %s\n", e.SHA256, name)
		fmt.Fprintf(&m512, "%x  %s\n", e.SHA512, name)
	}
	for _, x := range fetch { // fetch.txt names only what the manifest lists
		fmt.Fprintf(&m256, "%s  %s\n", x.SHA256, escape.Replace(x.Path))
	}
	tags := append(pages, Tag{"bag-info.txt", encodeInfo(info)}, Tag{"bagit.txt", []byte(declaration)})
	if len(fetch) > 0 {
		tags = append(tags, Tag{"fetch.txt", encodeFetch(fetch)})
	}
	tags = append(tags, Tag{"manifest-sha256.txt", m256.Bytes()})
	if len(fetch) == 0 { // all manifests must list the same files
		tags = append(tags, Tag{"manifest-sha512.txt", m512.Bytes()})
	}
	var t256, t512 bytes.Buffer
	for _, t := range tags {
		fmt.Fprintf(&t256, "%x  %s\n", sha256.Sum256(t.Content), t.Name)
		fmt.Fprintf(&t512, "%x  %s\n", sha512.Sum512(t.Content), t.Name)
	}
	return append(tags, Tag{"tagmanifest-sha256.txt", t256.Bytes()}, Tag{"tagmanifest-sha512.txt", t512.Bytes()})
}

// Manifest returns the manifest of a crate alone.
func Manifest(payload []Entry) Tag {
	var m bytes.Buffer
	for _, e := range payload {
		fmt.Fprintf(&m, "%x  %s\n", e.SHA256, escape.Replace(e.Path))
	}
	return Tag{CrateManifest, m.Bytes()}
}

// encodeInfo is bag-info.txt (RFC 8493 section 2.2.2).
func encodeInfo(info []Field) []byte {
	var b bytes.Buffer
	for _, f := range info {
		if f.Value != "" {
			fmt.Fprintf(&b, "%s: %s\n", f.Label, strings.Join(strings.Fields(f.Value), " "))
		}
	}
	return b.Bytes()
}

// encodeFetch is fetch.txt (RFC 8493 section 2.2.3).
func encodeFetch(fetch []Fetch) []byte {
	var b bytes.Buffer
	for _, x := range fetch {
		size := "-"
		if x.Size > 0 {
			size = fmt.Sprint(x.Size)
		}
		fmt.Fprintf(&b, "%s %s %s\n", strings.ReplaceAll(x.URL, " ", "%20"), size, escape.Replace(x.Path))
	}
	return b.Bytes()
}
