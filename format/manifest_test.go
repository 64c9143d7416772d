package format

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"repro/format/manifest"
)

// minimal returns a manifest that keeps all rules.
func minimal() manifest.Manifest {
	objects := listed(false)
	objects[0].Size, objects[1].Size = 10, 20
	return manifest.Manifest{
		Version:     manifest.Version,
		Paper:       manifest.Paper{Title: "t", Authors: []manifest.Author{{Name: "a"}}, Date: "2026-11-23T12:00:00Z"},
		Arch:        "amd64",
		Environment: manifest.Environment{Kind: "host"},
		Steps:       []manifest.Step{{Name: "a", Command: []string{"run"}, Dir: "/"}},
		Results:     []manifest.Result{},
		Objects:     objects,
	}
}

// head is a file that begins as the image of m would, with stored as its
// manifest, and holds zeros for all other objects.
func head(t *testing.T, m *storedManifest, slots ...signatureSlot) *Image {
	t.Helper()
	p, err := newPlan(m, slots)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, p.end)
	copy(b, append(p.head(), m.stored...))
	im, err := New(bytes.NewReader(b), p.end, "x.sif")
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// TestManifestRules holds the rules of the manifest that are about none of its
// lists.
func TestManifestRules(t *testing.T) {
	for want, change := range map[string]func(*manifest.Manifest){
		"":                  func(*manifest.Manifest) {},
		"version 2, want 1": func(m *manifest.Manifest) { m.Version = 2 },
		`arch "vax": not one that SIF has a code for`:                                 func(m *manifest.Manifest) { m.Arch = "vax" },
		`date "": want RFC 3339 in UTC with whole seconds, like 2026-11-23T00:00:00Z`: func(m *manifest.Manifest) { m.Paper.Date = "" },
		"authors, steps or results: want a list, which may be empty":                  func(m *manifest.Manifest) { m.Steps = nil },
		"authors, steps or results: want a list, which may be empty ":                 func(m *manifest.Manifest) { m.Results = nil },
		"authors, steps or results: want a list, which may be empty  ":                func(m *manifest.Manifest) { m.Paper.Authors = nil },
		`environment: digest "x": want sha256: and 64 lower-case hexadecimal digits`:  func(m *manifest.Manifest) { m.Environment.Digest = "x" },
		`object 2 ("repro.yaml"): size -1`:                                            func(m *manifest.Manifest) { m.Objects[0].Size = -1 },
		`step 1: command of 0 words, or an empty first one`: func(m *manifest.Manifest) {
			m.Steps = []manifest.Step{{Name: "a", Dir: "/"}}
		},
		`external file 1: source "": want an address`: func(m *manifest.Manifest) {
			m.External = []manifest.External{{Path: "/paper/x", Digest: manifest.DigestOf(nil)}}
		},
	} {
		m := minimal()
		change(&m)
		stored := &storedManifest{Manifest: m}
		want = strings.TrimRight(want, " ")
		told(t, want, stored.check(), want)
		if made, err := newManifest(m); (err == nil) != (want == "") {
			t.Errorf("newManifest: %v, want %q", err, want)
		} else if err == nil && made.date != 1795435200 {
			t.Errorf("date %d", made.date)
		}
	}
}

// TestManifestObject: the object is the document, spaces, a newline, and as
// long as any manifest with these texts would be.
func TestManifestObject(t *testing.T) {
	m, err := newManifest(minimal())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := manifest.Marshal(m.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(m.stored, doc)
	if !ok || len(m.stored)%align != 0 || strings.Trim(string(rest), " ") != "\n" {
		t.Errorf("%d bytes, behind the document %.20q", len(m.stored), rest)
	}
	larger := minimal()
	for i := range larger.Objects {
		larger.Objects[i].Size = maxObjectSize
		if l := larger.Objects[i].Layer; l != nil {
			l.Codec, l.BlockSize, l.Files, l.Bytes = strings.Repeat("c", maxCodecName), maxBlockSize, maxObjectSize, maxObjectSize
		}
	}
	if a, err := reserve(larger); err != nil || a != int64(len(m.stored)) {
		t.Errorf("room of %d bytes for one, %d for the other: %v", len(m.stored), a, err)
	}
	longest, err := manifest.Marshal(larger)
	if err != nil || roundUp(int64(len(longest))+1) != int64(len(m.stored)) {
		t.Errorf("the longest has %d bytes, the room %d: %v", len(longest), len(m.stored), err)
	}
	fits := minimal()
	fits.Paper.Title = strings.Repeat("t", maxManifest-len(longest))
	if _, err := reserve(fits); err != nil {
		t.Errorf("one byte below the bound: %v", err)
	}
	fits.Paper.Title += "t"
	_, err = reserve(fits)
	told(t, "at the bound", err, fmt.Sprintf("manifest: %d bytes, at most %d are allowed", maxManifest, maxManifest-1))
	if a, b := m.uuid(), m.uuid(); a != b || a[6]>>4 != 8 || a[8]>>6 != 2 {
		t.Errorf("UUID %x", a)
	}
	m.stored[len(doc)] = '\n'
	if other, _ := newManifest(minimal()); other.uuid() == m.uuid() {
		t.Error("another object has the same UUID")
	}
}

// TestManifestForms: what is stored in another form than the canonical one is
// malformed, and a manifest of another size than its room breaks the layout.
func TestManifestForms(t *testing.T) {
	good, err := newManifest(minimal())
	if err != nil {
		t.Fatal(err)
	}
	if problems := head(t, good).Layout(); len(problems) != 0 {
		t.Fatal(problems)
	}
	doc, _ := manifest.Marshal(good.Manifest)
	for what, c := range map[string]struct {
		stored string
		want   string // the manifest's error; "" if only the layout is wrong
	}{
		"no newline":       {string(doc) + " ", "manifest: does not end in a newline"},
		"two newlines":     {string(doc) + "\n\n", "manifest: "},
		"no document":      {"\n", "manifest: "},
		"room for more":    {string(good.stored[:len(good.stored)-1]) + strings.Repeat(" ", align) + "\n", ""},
		"room for less":    {string(doc) + "\n", ""},
		"more than may be": {string(doc) + strings.Repeat(" ", maxManifest) + "\n", "manifest: "},
	} {
		im := head(t, &storedManifest{Manifest: good.Manifest, stored: []byte(c.stored), date: good.date})
		_, err := im.Manifest()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", what, err)
		}
		want := Problem{Offset: dataOffset, Object: ManifestName}
		switch problems := im.Layout(); {
		case len(problems) != 1 || problems[0].Offset != want.Offset || problems[0].Object != want.Object:
			t.Errorf("%s: problems %v", what, problems)
		case c.want == "" && problems[0].Reason != fmt.Sprintf("object has %d bytes, the room for this manifest is %d", len(c.stored), len(good.stored)):
			t.Errorf("%s: %s", what, problems[0].Reason)
		}
	}
}

// TestSignatureSlots: objects behind the bound ones are signatures of a known
// hash and a bounded size.
func TestSignatureSlots(t *testing.T) {
	m, err := newManifest(minimal())
	if err != nil {
		t.Fatal(err)
	}
	slot := 1 + len(m.Objects)
	at := int64(tableOffset + slot*descriptorSize)
	for what, c := range map[string]struct {
		slot signatureSlot
		want string
	}{
		"smallest":   {signatureSlot{hash: HashSHA256, size: 1}, ""},
		"largest":    {signatureSlot{hash: HashSHA512, size: maxSignature, attestation: true}, ""},
		"no bytes":   {signatureSlot{hash: HashSHA256}, fmt.Sprintf("byte %d: signature of 0 bytes in slot %d, at most %d are allowed", at+25, slot+1, maxSignature)},
		"too many":   {signatureSlot{hash: HashSHA256, size: maxSignature + 1}, fmt.Sprintf("byte %d: signature of %d bytes in slot %d, at most %d are allowed", at+25, maxSignature+1, slot+1, maxSignature)},
		"no hash":    {signatureSlot{size: 1}, fmt.Sprintf("byte %d: hash %s in slot %d", at+extraStart, HashType(0), slot+1)},
		"other hash": {signatureSlot{hash: hashBLAKE2b, size: 1}, fmt.Sprintf("byte %d: hash %s in slot %d", at+extraStart, hashBLAKE2b, slot+1)},
	} {
		var got string
		for _, p := range head(t, m, c.slot).Layout() {
			got += strings.TrimPrefix(p.String(), `object "": `)
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, c.want)
		}
	}
}

// TestBound: a descriptor that is not the one of the manifest's object is told,
// whichever of its parts differs.
func TestBound(t *testing.T) {
	m, err := newManifest(minimal())
	if err != nil {
		t.Fatal(err)
	}
	im := head(t, m)
	want := m.Objects[4]
	for what, change := range map[string]func(*manifest.Object){
		"":                     func(*manifest.Object) {},
		"name":                 func(o *manifest.Object) { o.Name = "data" },
		"size":                 func(o *manifest.Object) { o.Size++ },
		"number":               func(o *manifest.Object) { o.ID++ },
		"last of the image":    func(o *manifest.Object) { o.ID = uint32(len(im.objects)) },
		"number past the last": func(o *manifest.Object) { o.ID = uint32(len(im.objects)) + 1 },
	} {
		o := want
		change(&o)
		d, err := im.bound(o)
		if what == "" && (err != nil || d.Name != want.Name || d.ID != want.ID) || what != "" && !errors.Is(err, ErrMalformed) {
			t.Errorf("another %s: %+v, %v", what, d, err)
		}
	}
}

// TestPlaces: problems name the byte of the file, and its object.
func TestPlaces(t *testing.T) {
	m, err := newManifest(minimal())
	if err != nil {
		t.Fatal(err)
	}
	slots := []signatureSlot{{hash: HashSHA256, size: 5}, {attestation: true, hash: HashSHA256, size: 5}}
	p, err := newPlan(m, slots)
	if err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, p.end)
	copy(whole, append(p.head(), m.stored...))
	signature, attestation := len(p.objects)-2, len(p.objects)-1
	descriptor := func(i int) int64 { return int64(tableOffset + i*descriptorSize) }
	gap := p.objects[signature].Offset + 5 // behind the signature
	layer := p.objects[5]
	for at, want := range map[int64]string{
		headerSize:          "byte 128: padding before the object is 0x01, want 0",
		tableOffset - 1:     "byte 4095: padding before the object is 0x01, want 0",
		descriptor(5) + 73:  fmt.Sprintf(`object "code": byte %d: descriptor 6: name is "bode", want "code"`, descriptor(5)+73),
		descriptor(5) + 75:  fmt.Sprintf(`object "code": byte %d: descriptor 6: name is "coee", want "code"`, descriptor(5)+75),
		descriptor(100) + 9: fmt.Sprintf("byte %d: descriptor 101: group is 0x1, want 0x0", descriptor(100)+9),
		// Of a link only what makes it no attestation's and no signature's can be wrong.
		descriptor(attestation) + 13: fmt.Sprintf("byte %d: descriptor %d: link is 0x1, want 0xf0000001", descriptor(attestation)+13+3, attestation+1),
		gap:                          fmt.Sprintf("byte %d: padding before the object is 0x01, want 0", gap),
		gap + 4000:                   fmt.Sprintf("byte %d: padding before the object is 0x01, want 0", gap+4000),
		layer.Offset:                 "",
		p.objects[1].Offset - 1:      fmt.Sprintf(`object "manifest.json": byte %d: manifest: does not end in a newline`, dataOffset),
		p.objects[2].Offset - 1:      fmt.Sprintf(`object "inspect-metadata.json": byte %d: padding before the object is 0x01, want 0`, p.objects[2].Offset-1),
	} {
		b := bytes.Clone(whole)
		b[at] ^= 1
		im, err := New(bytes.NewReader(b), p.end, "x.sif")
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, p := range im.Layout() {
			got += p.String()
		}
		if got != want {
			t.Errorf("byte %d:\ngot  %s\nwant %s", at, got, want)
		}
	}
	im, err := New(bytes.NewReader(append(bytes.Clone(whole), 0)), p.end+1, "x.sif")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(im.Layout()), fmt.Sprintf("[byte %d: 1 bytes after the last object]", p.end); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestRoomForSignatures holds the bounds of [rewriting.plan].
func TestRoomForSignatures(t *testing.T) {
	m, err := newManifest(minimal())
	if err != nil {
		t.Fatal(err)
	}
	w := &rewriting{m: m}
	free := capacity - 1 - len(m.Objects)
	many := func(n, size int) []NewObject {
		all := make([]NewObject, n)
		for i := range all {
			all[i].Data = make([]byte, size)
		}
		return all
	}
	for _, c := range []struct {
		signatures []NewObject
		want       string
	}{
		{nil, ""},
		{many(1, 1), ""},
		{many(1, maxSignature), ""},
		{many(1, 0), fmt.Sprintf("signature of 0 bytes, at most %d are allowed", maxSignature)},
		{many(1, maxSignature+1), fmt.Sprintf("signature of %d bytes, at most %d are allowed", maxSignature+1, maxSignature)},
		{many(free, 1), ""},
		{many(free+1, 1), fmt.Sprintf("%d signatures: the image has room for %d", free+1, free)},
	} {
		p, err := w.plan(c.signatures)
		told(t, fmt.Sprint(len(c.signatures), " signatures"), err, c.want)
		if err == nil && len(p.objects) != 1+len(m.Objects)+len(c.signatures) {
			t.Errorf("%d objects", len(p.objects))
		}
		for _, s := range c.signatures {
			if hash := s.Hash; err == nil && hash != HashSHA256 {
				t.Errorf("a signature without a hash gets %s", hash)
			}
		}
	}
}
