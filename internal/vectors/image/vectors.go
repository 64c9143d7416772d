package main

import (
	"bytes"
	"strings"

	"repro/format/manifest"
	"repro/format/verity"
)

// vector is one defect.
type vector struct {
	Name   string `json:"name"`
	Refuse string `json:"refuse"` // malformed, altered or foreign
	Clause string `json:"clause"` // of SPEC.md, that it breaks
	edit   func([]byte) []byte
}

// Slots of the objects in the valid image.
const (
	slotManifest    = 1
	slotRecipe      = 2
	slotInspect     = 3
	slotEnvironment = 4
	slotTree        = 5
	slotCode        = 6
	slotData        = 8
	slotPublished   = 10
	slotSignature   = 12
	slotAttestation = 13
	slotUnused      = 14
)

var vectors = []vector{
	{"empty-file", "malformed", "SIF-1", cut(0)},
	{"cut-in-header", "malformed", "SIF-1", cut(127)},
	{"cut-after-header", "malformed", "SIF-3", cut(128)},
	{"cut-in-table", "malformed", "SIF-3", cut(69000)},
	{"cut-in-layer", "malformed", "SIF-6", func(b []byte) []byte { return b[:start(b, slotPublished)+100] }},
	{"cut-in-signature", "malformed", "SIF-6", func(b []byte) []byte { return b[:len(b)-1] }},

	{"header-magic", "malformed", "SIF-2", put(32, "SIF_MAGIK")},
	{"header-version-02", "malformed", "SIF-2", put(42, "02")},
	{"header-launch", "malformed", "IMG-3", put(0, "#!/usr/bin/env evil\n")},
	{"header-launch-tail", "malformed", "IMG-3", put(31, "x")},
	{"header-arch-differs", "malformed", "IMG-3", put(45, "04")},
	{"header-uuid-nil", "malformed", "IMG-5", put(48, strings.Repeat("\x00", 16))},
	{"header-uuid-random", "malformed", "IMG-5", put(48, "\x12\x34\x56\x78\x9a\xbc\x4d\xef\x80\x11\x22\x33\x44\x55\x66\x77")},
	{"header-created", "malformed", "IMG-3", put64(64, 1)},
	{"header-modified", "malformed", "IMG-3", put64(72, 1)},
	{"header-free-count", "malformed", "IMG-3", put64(80, 112)},
	{"header-total-negative", "malformed", "SIF-3", put64(88, -1)},
	{"header-total-2-to-55", "malformed", "SIF-3", put64(88, 1<<55)},
	{"header-total-2-million", "malformed", "SIF-3", put64(88, 2e6, 104, 2e6*585)},
	{"header-total-more-than-file", "malformed", "SIF-3", put64(88, 65536, 104, 65536*585)},
	{"header-total-lowered", "malformed", "IMG-2", put64(80, 0, 88, 12, 104, 12*585)},
	{"header-total-zero", "foreign", "IMG-8", put64(80, 0, 88, 0, 104, 0)},
	{"header-table-offset-negative", "malformed", "SIF-3", put64(96, -4096)},
	{"header-table-offset-zero", "malformed", "SIF-3", put64(96, 0)},
	{"header-table-offset-beyond-end", "malformed", "SIF-3", put64(96, 1<<40)},
	{"header-table-size", "malformed", "SIF-3", put64(104, 1)},
	{"header-data-offset", "malformed", "IMG-3", put64(112, 69616)},
	{"header-data-size", "malformed", "IMG-3", put64(120, 0)},
	{"header-padding", "malformed", "IMG-1", put(4095, "x")},
	{"table-padding", "malformed", "IMG-1", put(69631, "x")},

	{"descriptor-used-2", "malformed", "IMG-4", descr(slotRecipe, 4, "\x02")},
	{"descriptor-id-zero", "malformed", "SIF-5", descr(slotRecipe, 5, "\x00")},
	{"descriptor-id-twice", "malformed", "SIF-5", descr(slotRecipe, 5, "\x03")},
	{"descriptor-id-not-slot", "malformed", "IMG-4", descr(slotAttestation, 5, "\x63")},
	{"descriptor-slots-swapped", "malformed", "IMG-4", swapSlots},
	{"descriptor-offsets-swapped", "malformed", "IMG-4", swapFields(17, 8)},
	{"descriptor-group-2", "malformed", "IMG-4", descr(slotPublished, 9, "\x02")},
	{"descriptor-group-none", "malformed", "IMG-4", descr(slotPublished, 9, "\x00")},
	{"descriptor-group-without-mask", "malformed", "IMG-4", descr(slotPublished, 12, "\x00")},
	{"descriptor-link", "malformed", "IMG-4", descr(slotRecipe, 13, "\x01")},
	{"descriptor-offset-negative", "malformed", "SIF-6", descr64(slotCode, 17, -4096)},
	{"descriptor-offset-in-header", "malformed", "SIF-6", descr64(slotCode, 17, 0)},
	{"descriptor-offset-overlaps", "malformed", "IMG-4", func(b []byte) []byte {
		return descr64(slotCode, 17, int64(start(b, slotEnvironment)))(b)
	}},
	{"descriptor-size-negative", "malformed", "SIF-6", descr64(slotCode, 25, -1)},
	{"descriptor-size-2-to-62", "malformed", "SIF-6", descr64(slotCode, 25, 1<<62)},
	{"descriptor-size-beyond-end", "malformed", "SIF-6", descr64(slotCode, 25, 1<<40)},
	{"descriptor-size-smaller", "malformed", "IMG-4", descr64(slotCode, 25, 96)},
	{"descriptor-padded-size", "malformed", "IMG-4", descr64(slotCode, 33, 0)},
	{"descriptor-created", "malformed", "IMG-4", descr64(slotCode, 41, 0)},
	{"descriptor-modified", "malformed", "IMG-4", descr64(slotCode, 49, 0)},
	{"descriptor-uid", "malformed", "IMG-4", descr64(slotCode, 57, 1000)},
	{"descriptor-gid", "malformed", "IMG-4", descr64(slotCode, 65, 1000)},
	{"descriptor-name", "malformed", "IMG-4", descr(slotCode, 73, "kode")},
	{"descriptor-name-after-nul", "malformed", "IMG-4", descr(slotCode, 73+100, "hidden")},
	{"descriptor-extra-tail", "malformed", "IMG-4", descr(slotCode, 584, "x")},
	{"descriptor-type", "malformed", "IMG-4", descr(slotRecipe, 0, "\x01")},
	{"descriptor-unused-slot-filled", "malformed", "IMG-2", descr(slotUnused, 73, "hidden")},
	{"descriptor-hidden", "malformed", "IMG-4", descr(slotPublished, 4, "\x00")},
	{"manifest-renamed", "foreign", "IMG-8", descr(slotManifest, 73, "M")},
	{"manifest-name-after-nul", "foreign", "IMG-8", descr(slotManifest, 73+14, "x")},
	{"manifest-in-second-slot", "malformed", "IMG-8", edit(func(b []byte) {
		first, second := b[slotAt(1):slotAt(2)], b[slotAt(2):slotAt(3)]
		for i := range first {
			first[i], second[i] = second[i], first[i]
		}
	})},
	{"manifest-of-generic-type", "malformed", "IMG-8", descr(slotManifest, 0, "\x07")},

	{"partition-ext3", "malformed", "IMG-4", descr(slotCode, 201, "\x02")},
	{"partition-arch", "malformed", "IMG-4", descr(slotEnvironment, 209, "04")},
	{"partition-two-primary", "malformed", "IMG-4", descr(slotCode, 205, "\x02")},
	{"partition-no-primary", "malformed", "IMG-4", descr(slotEnvironment, 205, "\x01")},
	{"partition-published-mounted", "malformed", "IMG-4", descr(slotPublished, 205, "\x04")},
	{"partition-overlay-as-data", "malformed", "IMG-4", descr(slotCode, 205, "\x03")},

	{"padding-before-object", "malformed", "IMG-1", edit(func(b []byte) { b[start(b, slotInspect)-1] = 'x' })},
	{"tail-one-zero", "malformed", "IMG-1", tail("\x00")},
	{"tail-page-of-zeros", "malformed", "IMG-1", tail(strings.Repeat("\x00", 4096))},
	{"tail-zip", "malformed", "IMG-1", tail("PK\x05\x06" + strings.Repeat("\x00", 18))},

	{"signature-size-negative", "malformed", "SIF-6", descr64(slotSignature, 25, -1)},
	{"signature-size-2-to-62", "malformed", "SIF-6", descr64(slotSignature, 25, 1<<62)},
	{"signature-size-zero", "malformed", "IMG-7", descr64(slotSignature, 25, 0)},
	{"signature-hash-unknown", "malformed", "IMG-7", descr(slotSignature, 201, "\x09")},
	{"signature-entity-tail", "malformed", "IMG-7", descr(slotSignature, 205+20, "x")},
	{"signature-linked-to-object", "malformed", "IMG-7", descr(slotSignature, 13, "\x04\x00\x00\x00")},
	{"signature-linked-to-group-2", "malformed", "IMG-7", descr(slotSignature, 13, "\x02")},
	{"signature-in-group", "malformed", "IMG-7", descr(slotSignature, 9, "\x01")},
	{"signature-named", "malformed", "IMG-7", descr(slotSignature, 73, "by the editor")},
	{"signature-after-gap", "malformed", "IMG-2", edit(func(b []byte) {
		last, unused := b[slotAt(slotAttestation):slotAt(slotUnused)], b[slotAt(slotUnused):slotAt(slotUnused+1)]
		copy(unused, last)
		clear(last)
		unused[5]++ // its ID
	})},
	{"signature-created", "malformed", "IMG-7", descr64(slotSignature, 41, 0)},
	{"signature-is-generic", "malformed", "IMG-7", descr(slotAttestation, 0, "\x07")},
	{"signature-is-partition", "malformed", "IMG-7", descr(slotAttestation, 0, "\x04")},

	{"manifest-not-json", "malformed", "MAN-1", manifestText(func(s string) string { return "x" + s[1:] })},
	{"manifest-empty-list", "malformed", "MAN-1", manifestText(replace(`"title":"Vector"`, `"keywords":[],"title":"Vector"`))},
	{"manifest-without-title", "malformed", "MAN-1", manifestText(replace(`,"title":"Vector"`, ``))},
	{"manifest-without-results", "malformed", "MAN-1", manifestText(replace(`"results":[],`, ``))},
	{"manifest-results-null", "malformed", "MAN-1", manifestText(replace(`"results":[]`, `"results":null`))},
	{"manifest-authors-null", "malformed", "MAN-1", manifestText(replace(`"authors":[{"name":"Ada Lovelace"}]`, `"authors":null`))},
	{"manifest-steps-null", "malformed", "MAN-1", manifestText(replace(`"steps":[{"command":["/bin/run"],"dir":"/paper","name":"run"}]`, `"steps":null`))},
	{"manifest-number-above-2-to-53", "malformed", "MAN-1", manifestText(replace(`"files":3`, `"files":9007199254740993`))},
	{"manifest-unknown-key", "malformed", "MAN-1", manifestText(replace(`"version":1`, `"version":1,"x":0`))},
	{"manifest-doubled-key", "malformed", "MAN-1", manifestText(replace(`"version":1`, `"version":1,"version":1`))},
	{"manifest-key-in-capitals", "malformed", "MAN-1", manifestText(replace(`"version":1`, `"Version":1`))},
	{"manifest-keys-unsorted", "malformed", "MAN-1", manifestText(func(s string) string {
		return `{"version":1,` + strings.Replace(s[1:], `,"version":1}`, `}`, 1)
	})},
	{"manifest-spaced", "malformed", "MAN-1", manifestText(replace(`"version":1`, `"version": 1`))},
	{"manifest-fraction", "malformed", "MAN-1", manifestText(replace(`"version":1`, `"version":1.0`))},
	{"manifest-escaped", "malformed", "MAN-1", manifestText(replace(`"Vector"`, `"\u0056ector"`))},
	{"manifest-two-documents", "malformed", "MAN-1", manifestText(func(s string) string { return s + "{}" })},
	{"manifest-nested-deep", "malformed", "MAN-1", manifestText(func(string) string { return strings.Repeat("[", 1000) })},
	{"manifest-padded-with-tab", "malformed", "IMG-6", edit(func(b []byte) { b[end(b, slotManifest)-2] = '\t' })},
	{"manifest-without-newline", "malformed", "IMG-6", edit(func(b []byte) { b[end(b, slotManifest)-1] = ' ' })},
	{"manifest-room-too-large", "malformed", "IMG-6", largerRoom},

	{"manifest-version-2", "malformed", "MAN-2", editManifest(func(m *manifest.Manifest) { m.Version = 2 })},
	{"manifest-date-differs", "malformed", "IMG-3", editManifest(func(m *manifest.Manifest) { m.Paper.Date = "2026-11-24T12:00:00Z" })},
	{"manifest-date-with-zone", "malformed", "MAN-3", editManifest(func(m *manifest.Manifest) { m.Paper.Date = "2026-11-23T12:00:00+00:00" })},
	{"manifest-arch-differs", "malformed", "IMG-3", editManifest(func(m *manifest.Manifest) { m.Arch = "arm64" })},
	{"manifest-arch-unknown", "malformed", "MAN-4", editManifest(func(m *manifest.Manifest) { m.Arch = "vax" })},
	{"manifest-environment-digest", "malformed", "MAN-1", editManifest(func(m *manifest.Manifest) { m.Environment.Digest = "sha256:0" })},
	{"manifest-date-not-in-calendar", "malformed", "MAN-3", editManifest(func(m *manifest.Manifest) { m.Paper.Date = "2026-02-29T12:00:00Z" })},
	{"manifest-date-after-2106", "malformed", "MAN-3", editManifest(func(m *manifest.Manifest) { m.Paper.Date = "2106-02-07T06:28:16Z" })},
	{"manifest-object-missing", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) { m.Objects = m.Objects[:len(m.Objects)-2] })},
	{"manifest-no-objects", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) { m.Objects = nil })},
	{"manifest-object-twice", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) {
		m.Objects[6].Name, m.Objects[7].Name = "code", "code.verity"
	})},
	{"manifest-objects-swapped", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) {
		m.Objects[4], m.Objects[6] = m.Objects[6], m.Objects[4]
	})},
	{"manifest-id-differs", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) { m.Objects[1].ID = 99 })},
	{"manifest-role-differs", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) { m.Objects[0].Role = manifest.RoleInspect })},
	{"manifest-layer-named-in-capitals", "malformed", "MAN-6", editManifest(func(m *manifest.Manifest) {
		m.Objects[4].Name, m.Objects[5].Name = "Code", "Code.verity"
	})},
	{"manifest-published-as-layer", "malformed", "MAN-6", editManifest(func(m *manifest.Manifest) { m.Objects[8].Role = manifest.RoleLayer })},
	{"manifest-code-as-hidden", "malformed", "MAN-6", editManifest(func(m *manifest.Manifest) { m.Objects[4].Role = manifest.RoleHidden })},
	{"manifest-size-differs", "malformed", "IMG-4", editManifest(func(m *manifest.Manifest) { m.Objects[0].Size++ })},
	{"manifest-size-negative", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) { m.Objects[0].Size = -1 })},
	{"manifest-size-2-to-53", "malformed", "IMG-4", editManifest(func(m *manifest.Manifest) {
		m.Objects[4].Size = 1<<53 - 4096
		m.Objects[5].Size = verity.TreeSize(m.Objects[4].Size)
	})},
	{"manifest-digest-in-capitals", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) {
		m.Objects[0].Digest = manifest.Digest("sha256:" + strings.ToUpper(string(m.Objects[0].Digest[7:])))
	})},
	{"manifest-digest-of-another-kind", "malformed", "MAN-5", editManifest(func(m *manifest.Manifest) {
		m.Objects[0].Digest = manifest.Digest("sha512:" + string(m.Objects[0].Digest[7:]))
	})},
	{"manifest-layer-without-root", "malformed", "MAN-6", editManifest(func(m *manifest.Manifest) { m.Objects[4].Layer = nil })},
	{"manifest-block-size", "malformed", "MAN-6", editManifest(func(m *manifest.Manifest) { m.Objects[4].Layer.BlockSize = 5000 })},
	{"manifest-tree-of-another-size", "malformed", "MAN-7", editManifest(func(m *manifest.Manifest) { m.Objects[3].Size = 65536 })},
	{"manifest-step-named-like-a-path", "malformed", "MAN-8", editManifest(func(m *manifest.Manifest) { m.Steps[0].Name = "../run" })},
	{"manifest-step-twice", "malformed", "MAN-8", editManifest(func(m *manifest.Manifest) { m.Steps = append(m.Steps, m.Steps[0]) })},
	{"manifest-step-needs-itself", "malformed", "MAN-8", editManifest(func(m *manifest.Manifest) { m.Steps[0].Needs = []string{"run"} })},
	{"manifest-step-without-command", "malformed", "MAN-8", editManifest(func(m *manifest.Manifest) { m.Steps[0].Command = []string{} })},
	{"manifest-step-dir-with-dots", "malformed", "MAN-8", editManifest(func(m *manifest.Manifest) { m.Steps[0].Dir = "/paper/../.." })},
	{"manifest-step-output-relative", "malformed", "MAN-8", editManifest(func(m *manifest.Manifest) { m.Steps[0].Outputs = []string{"out"} })},
	{"manifest-step-env-with-nul", "malformed", "MAN-8", editManifest(func(m *manifest.Manifest) { m.Steps[0].Env = map[string]string{"A": "\x00"} })},
	{"manifest-result-published-outside", "malformed", "MAN-9", editManifest(func(m *manifest.Manifest) {
		m.Results = []manifest.Result{{Name: "r", Output: "/paper/r", Published: "../r"}}
	})},
	{"manifest-result-twice", "malformed", "MAN-9", editManifest(func(m *manifest.Manifest) {
		r := manifest.Result{Name: "r", Output: "/paper/r", Published: "r"}
		m.Results = []manifest.Result{r, r}
	})},
	{"manifest-claim-named-like-a-result", "malformed", "MAN-11", editManifest(func(m *manifest.Manifest) {
		m.Results = []manifest.Result{{Name: "r", Output: "/paper/r", Published: "r"}}
		m.Claims = []manifest.Claim{{Name: "r", Value: "1", Output: "/paper/r", Pointer: "/a"}}
	})},
	{"manifest-claim-without-place", "malformed", "MAN-11", editManifest(func(m *manifest.Manifest) {
		m.Claims = []manifest.Claim{{Name: "c", Value: "1", Output: "/paper/r"}}
	})},
	{"manifest-external-with-space", "malformed", "EXT-1", editManifest(func(m *manifest.Manifest) {
		external("/paper/x")(m)
		m.External[0].Source = "https://example.org/a b"
	})},
	{"manifest-external-outside-paper", "malformed", "EXT-1", editManifest(external("/data/x"))},
	{"manifest-external-twice", "malformed", "EXT-1", editManifest(external("/paper/x", "/paper/x"))},
	{"manifest-result-output-relative", "malformed", "MAN-9", editManifest(func(m *manifest.Manifest) {
		m.Results = []manifest.Result{{Name: "r", Output: "r", Published: "r"}}
	})},

	{"recipe-altered", "altered", "MAN-5", flip(slotRecipe, 3)},
	{"inspect-altered", "altered", "MAN-5", flip(slotInspect, 3)},
	{"superblock-altered", "altered", "HT-5", flip(slotEnvironment, 8)},
	{"environment-altered", "altered", "HT-5", flip(slotEnvironment, 200)},
	{"published-altered", "altered", "HT-5", flip(slotPublished, 4095)},
	{"recipe-digest-differs", "altered", "MAN-5", editManifest(func(m *manifest.Manifest) {
		m.Objects[0].Digest = manifest.DigestOf(nil)
	})},
	{"layer-root-differs", "altered", "HT-5", editManifest(func(m *manifest.Manifest) {
		m.Objects[4].Layer.Root = m.Objects[6].Layer.Root
	})},
	{"layers-exchanged", "altered", "HT-5", edit(func(b []byte) {
		code, data := b[start(b, slotCode):end(b, slotCode)], b[start(b, slotData):end(b, slotData)]
		old := bytes.Clone(code)
		copy(code, data)
		copy(data, old)
	})},
}
