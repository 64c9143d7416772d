package main

import (
	"slices"
	"strings"
	"time"
)

// vector is one altered image and the question that is asked about it.
type vector struct {
	File     string   `json:"file"`
	Did      string   `json:"did"`               // what was done to the image
	Keys     []string `json:"keys"`              // files of the public keys to trust
	Detached []string `json:"detached"`          // files of the detached signatures to count
	Foreign  bool     `json:"foreign,omitempty"` // files of other programs may pass
	Now      string   `json:"now"`               // when it is verified
	Verdict  string   `json:"verdict"`
	Exit     int      `json:"exit"` // status of repro verify
	make     maker
}

// Verdicts and the exit statuses that go with them.
const (
	accepted  = "signed"
	unsigned  = "not signed"
	altered   = "altered"
	malformed = "malformed"
)

var exits = map[string]int{accepted: 0, unsigned: 3, altered: 4, malformed: 4}

// Detached signatures.
const (
	byAlice   = "detached-by-alice.asc"
	byMallory = "detached-by-mallory.asc"
	ofOther   = "detached-of-another-image.asc"
)

func v(name, verdict, did string, make maker) vector {
	return vector{
		File: name + ".sif.gz", Did: did, Keys: []string{"alice.pub"}, Detached: []string{},
		Now: stamp(now), Verdict: verdict, Exit: exits[verdict], make: make,
	}
}

func (v vector) by(keys ...string) vector       { v.Keys = append([]string{}, keys...); return v }
func (v vector) with(detached ...string) vector { v.Detached = detached; return v }
func (v vector) at(t time.Time) vector          { v.Now = stamp(t); return v }
func (v vector) asForeign() vector              { v.Foreign = true; return v }
func stamp(t time.Time) string                  { return t.Format(time.RFC3339) }
func good(im *images) []byte                    { return im.good }
func bare(im *images) []byte                    { return im.bare }
func theirs(im *images) []byte                  { return im.theirs }

var vectors = slices.Concat(found, forged)

var found = []vector{
	v("valid", accepted, "nothing: Alice signed it", good),
	v("valid-detached", accepted, "nothing: unsigned, Alice's signature lies beside", bare).with(byAlice),
	v("valid-detached-of-another-image-too", accepted, "nothing: a detached signature of another image is counted in, too", good).with(ofOther),

	v("cut-in-signature", malformed, "cut ten bytes into the signature", cutInside(slotSignature)),
	v("cut-in-layer", malformed, "cut ten bytes into the layer environment", cutInside(slotEnvironment)),
	v("cut-after-header", malformed, "cut after the header", cut(128)),
	v("cut-in-header", malformed, "cut one byte before the end of the header", cut(127)),
	v("layer-bit", altered, "one bit of the layer environment flipped", change(func(b []byte) { object(b, slotEnvironment)[150] ^= 4 })),

	v("header-arch", malformed, "header: another architecture", text(headerArch, "04")),
	v("header-launch", malformed, "header: launch line starts a shell", text(0, "#!/bin/sh\n\x00")),
	v("header-uuid", malformed, "header: another UUID", text(headerUUID, "0123456789abcdef")),
	v("header-version", malformed, "header: version 02", text(42, "02")),
	v("header-created", malformed, "header: time of creation 1", at64(headerCreated, 1)),
	v("header-modified", malformed, "header: time of modification 1", at64(headerModified, 1)),
	v("header-free-48", malformed, "header: 48 free descriptors", at64(headerFree, 48)),
	v("header-total-negative", malformed, "header: -1 descriptors", at64(headerTotal, -1)),
	v("header-total-2-to-55", malformed, "header: 2^55 descriptors", at64(headerTotal, 1<<55)),
	v("header-total-2-million", malformed, "header: 2,000,000 descriptors", at64(headerTotal, 2_000_000)),
	v("header-total-7", malformed, "header: fewer descriptors than are used, without the signature's", at64(headerTotal, 7)),
	v("header-table-beyond-end", malformed, "header: table at 2^40", at64(headerTable, 1<<40)),
	v("header-table-negative", malformed, "header: table at -4096", at64(headerTable, -4096)),
	v("header-table-copied", malformed, "header: points to a copy of the table at the end of the file", edit(otherTable)),
	v("header-padding", malformed, "text between the header and the table", text(128, "hello")),

	v("offsets-exchanged", malformed, "offsets of environment and code exchanged", swap(offset, 8)),
	v("slots-exchanged", malformed, "descriptors of environment and code exchanged", swap(0, descriptorSize)),
	v("ids-exchanged", malformed, "IDs of environment and code exchanged", swap(id, 4)),
	v("partition-types-exchanged", malformed, "partition fields of environment and code exchanged", swap(extra, 11)),
	v("object-name", malformed, "repro.yaml renamed", text(slot(slotRecipe)+name, "REPRO")),
	v("object-created", malformed, "repro.yaml: time of creation 1", at64(slot(slotRecipe)+created, 1)),
	v("object-modified", malformed, "repro.yaml: time of modification 1", at64(slot(slotRecipe)+modified, 1)),
	v("object-padded-size", malformed, "repro.yaml: padded size 1", at64(slot(slotRecipe)+padded, 1)),
	v("object-uid", malformed, "repro.yaml: user id 1", at64(slot(slotRecipe)+uid, 1)),
	v("object-hidden", malformed, "code: marked as unused", change(func(b []byte) { b[slot(slotCode)+used] = 0 })),
	v("object-used-2", malformed, "code: used, but by a 2", change(func(b []byte) { b[slot(slotCode)+used] = 2 })),
	v("object-group-2", malformed, "code: in group 2", at32(slot(slotCode)+group, 0xf0000002)),
	v("object-group-none", malformed, "code: in no group", at32(slot(slotCode)+group, 0xf0000000)),
	v("object-group-without-mark", malformed, "code: group 1 without the mark of a group", at32(slot(slotCode)+group, 1)),
	v("group-renumbered", malformed, "all objects and the signature's link in group 7", change(renumber)),
	v("object-id-twice", malformed, "code: ID of environment", at32(slot(slotCode)+id, slotEnvironment)),
	v("object-id-0", malformed, "code: ID 0", at32(slot(slotCode)+id, 0)),
	v("object-in-header", malformed, "code: at offset 0", at64(slot(slotCode)+offset, 0)),
	v("object-offset-negative", malformed, "code: at offset -1", at64(slot(slotCode)+offset, -1)),
	v("object-offset-2-to-62", malformed, "code: at offset 2^62", at64(slot(slotCode)+offset, 1<<62)),
	v("object-size-2-to-40", malformed, "code: of size 2^40", at64(slot(slotCode)+size, 1<<40)),
	v("object-size-negative", malformed, "code: of size -1", at64(slot(slotCode)+size, -1)),
	v("objects-on-each-other", malformed, "inspect-metadata.json: at the offset of repro.yaml", change(func(b []byte) {
		put64(b, slot(slotInspect)+offset, start(b, slotRecipe))
	})),

	v("signature-size-negative", malformed, "signature: of size -1", at64(slot(slotSignature)+size, -1)),
	v("signature-size-2-to-62", malformed, "signature: of size 2^62", at64(slot(slotSignature)+size, 1<<62)),
	v("signature-in-header", malformed, "signature: at offset 0", at64(slot(slotSignature)+offset, 0)),
	v("signature-entity", malformed, "signature: descriptor names another key's fingerprint", text(slot(slotSignature)+extra+4, "12345678901234567890")),
	v("signature-link-group-2", malformed, "signature: linked to group 2", at32(slot(slotSignature)+link, 0xf0000002)),
	v("signature-link-object", malformed, "signature: linked to object 4", at32(slot(slotSignature)+link, 4)),
	v("signature-transplanted", unsigned, "signature: its content is that of Mallory's over the same objects", transplant),
	v("signature-removed", malformed, "signature cut off, its descriptor cleared", edit(removed)),
	v("signature-never-made", unsigned, "the image as it was before it was signed", bare),
	v("signature-by-another", unsigned, "the image as Mallory signed it", theirs),
	v("signature-of-another-image", altered, "rebuilt with another content, carries Alice's signature of the old one", rebuilt),
	v("signature-from-the-future", unsigned, "nothing: verified an hour before it was signed", good).at(signed.Add(-time.Hour)),
	v("no-key-trusted", unsigned, "nothing: no key is trusted", good).by(),
	v("detached-by-another", unsigned, "unsigned, Mallory's signature lies beside", bare).with(byMallory),
	v("detached-of-another-image", altered, "unsigned, Alice's signature of another image lies beside", bare).with(ofOther),

	v("tail-1-mib", malformed, "1 MiB of zeros behind the end", tail(strings.Repeat("\x00", 1<<20))),
	v("tail-one-zero", malformed, "one zero behind the end", tail("\x00")),
	v("tail-zip", malformed, "an empty ZIP archive behind the end", tail("PK\x05\x06"+strings.Repeat("\x00", 18))),
	v("padding-before-object", malformed, "a byte between two objects", change(func(b []byte) { b[start(b, slotInspect)-1] = 1 })),
	v("descriptor-unused-filled", malformed, "a name in an unused descriptor", text(slot(50)+name, "x")),
	v("added-overlay-in-group", malformed, "an unsigned overlay added to the group", add(0x4004, 1, "hsqs")),
	v("added-in-no-group", malformed, "an unsigned object added, in no group", add(0x4007, 0, "x")),
	v("added-overlay-in-group-2", malformed, "an overlay added, in a group of its own", add(0x4004, 2, "hsqs")),
	v("added-payload-as-signature", malformed, "1 MiB of payload added, called a signature", add(0x4005, 0, strings.Repeat("x", 1<<20))),
	v("added-of-unknown-type", malformed, "an object of unknown type added to the group", add(0x5000, 1, "x")),
	v("manifest-renamed", altered, "manifest.json renamed, to pass for another program's file", text(slot(slotManifest)+name, "MANIFEST.json")).asForeign(),
}
