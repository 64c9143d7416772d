package format

import (
	"fmt"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/format/verity"
)

// listed returns the objects of an image with two layers, or with an sbom.
func listed(sbom bool) (all []manifest.Object) {
	add := func(name string, role manifest.Role, size int64) *manifest.Object {
		all = append(all, manifest.Object{
			ID: uint32(len(all) + 2), Name: name, Role: role, Size: size, Digest: manifest.DigestOf(nil),
		})
		return &all[len(all)-1]
	}
	layer := func(name string, role manifest.Role) {
		zero := manifest.DigestOf(nil)
		add(name, role, align).Layer = &manifest.Layer{Root: zero, Content: zero, Codec: "store", BlockSize: 4096}
		add(name+treeSuffix, manifest.RoleTree, verity.TreeSize(align))
	}
	add(RecipeName, manifest.RoleRecipe, 0)
	add(inspectName, manifest.RoleInspect, maxSmall)
	if sbom {
		add(sbomName, manifest.RoleSBOM, 1)
	}
	layer(EnvironmentName, manifest.RoleLayer)
	layer("code", manifest.RoleLayer)
	layer(PublishedName, manifest.RoleHidden)
	return all
}

// TestObjectRules holds each rule about the list of objects on both sides of
// its bound.
func TestObjectRules(t *testing.T) {
	for _, sbom := range []bool{false, true} {
		told(t, "as it should be", checkObjects(listed(sbom)), "")
	}
	const codeName = `object 6 ("code"): `
	digest := `digest "md5:x": want sha256: and 64 lower-case hexadecimal digits`
	const notName = "not a name for a layer: want lower-case letters, digits, hyphens"
	const firstOnly = `the first layer is "environment" and no other is`
	const hiddenOnly = `the hidden layer is "published" and no other is`
	const recipe, inspect, env, envTree, code, codeTree, published = 0, 1, 2, 3, 4, 5, 6
	for i, c := range []struct {
		at     int
		change func(*manifest.Object)
		want   string
	}{
		{recipe, func(o *manifest.Object) { o.ID = 3 }, `object 2 ("repro.yaml"): ID 3, want 2`},
		{recipe, func(o *manifest.Object) { o.Size = maxSmall }, ""},
		{recipe, func(o *manifest.Object) { o.Size = maxSmall + 1 }, fmt.Sprintf(`object 2 ("repro.yaml"): %d bytes, at most %d are allowed`, maxSmall+1, maxSmall)},
		{recipe, func(o *manifest.Object) { o.Size = -1 }, `object 2 ("repro.yaml"): size -1`},
		{recipe, func(o *manifest.Object) { o.Name = "x" }, `object 2 ("x"): role "recipe", want "repro.yaml" with role "recipe" here`},
		{recipe, func(o *manifest.Object) { o.Role = manifest.RoleInspect }, `object 2 ("repro.yaml"): role "inspect", want "repro.yaml" with role "recipe" here`},
		{recipe, func(o *manifest.Object) { o.Layer = &manifest.Layer{} }, `object 2 ("repro.yaml"): role "recipe", want "repro.yaml" with role "recipe" here`},
		{inspect, func(o *manifest.Object) { o.Digest = "md5:x" }, `object 3 ("inspect-metadata.json"): ` + digest},
		{code, func(o *manifest.Object) { o.Digest = "md5:x" }, codeName + digest},
		{code, func(o *manifest.Object) { o.Layer.Root = "md5:x" }, codeName + digest},
		{code, func(o *manifest.Object) { o.Layer.Content = "md5:x" }, codeName + digest},
		{code, func(o *manifest.Object) { o.Layer = nil }, codeName + "a layer without its particulars"},
		{code, func(o *manifest.Object) { o.Size = 0 }, codeName + "0 bytes: a layer has a multiple of 4096"},
		{code, func(o *manifest.Object) { o.Size = 4097 }, codeName + "4097 bytes: a layer has a multiple of 4096"},
		{code, func(o *manifest.Object) { o.Size = maxObjectSize + 1 }, codeName + fmt.Sprintf("size %d", int64(maxObjectSize+1))},
		{code, func(o *manifest.Object) { o.Layer.Codec = "" }, codeName + `codec ""`},
		{code, func(o *manifest.Object) { o.Layer.Codec = strings.Repeat("c", maxCodecName) }, ""},
		{code, func(o *manifest.Object) { o.Layer.Codec = strings.Repeat("c", maxCodecName+1) }, codeName + fmt.Sprintf("codec %q", strings.Repeat("c", maxCodecName+1))},
		{code, func(o *manifest.Object) { o.Layer.BlockSize = maxBlockSize }, ""},
		{code, func(o *manifest.Object) { o.Layer.BlockSize = 2 * maxBlockSize }, codeName + fmt.Sprintf("block size %d", 2*maxBlockSize)},
		{code, func(o *manifest.Object) { o.Layer.BlockSize = 2048 }, codeName + "block size 2048"},
		{code, func(o *manifest.Object) { o.Layer.BlockSize = 4096 + 512 }, codeName + "block size 4608"},
		{code, func(o *manifest.Object) { o.Layer.Files, o.Layer.Bytes = maxObjectSize, maxObjectSize }, ""},
		{code, func(o *manifest.Object) { o.Layer.Files = -1 }, codeName + "-1 files of 0 bytes"},
		{code, func(o *manifest.Object) { o.Layer.Files = maxObjectSize + 1 }, codeName + fmt.Sprintf("%d files of 0 bytes", int64(maxObjectSize+1))},
		{code, func(o *manifest.Object) { o.Layer.Bytes = -1 }, codeName + "0 files of -1 bytes"},
		{code, func(o *manifest.Object) { o.Layer.Bytes = maxObjectSize + 1 }, codeName + fmt.Sprintf("0 files of %d bytes", int64(maxObjectSize+1))},
		{code, func(o *manifest.Object) { o.Name = strings.Repeat("c", maxLayerName+1) }, fmt.Sprintf("object 6 (%q): %s", strings.Repeat("c", maxLayerName+1), notName)},
		{code, func(o *manifest.Object) { o.Name = "" }, `object 6 (""): ` + notName},
		{code, func(o *manifest.Object) { o.Name = "Code" }, `object 6 ("Code"): ` + notName},
		{code, func(o *manifest.Object) { o.Name = "a/b" }, `object 6 ("a/b"): ` + notName},
		{code, func(o *manifest.Object) { o.Role = manifest.RoleTree }, codeName + `role "tree" where a layer is due`},
		{code, func(o *manifest.Object) { o.Role = manifest.RoleHidden }, codeName + hiddenOnly},
		{code, func(o *manifest.Object) { o.Name = EnvironmentName }, `object 6 ("environment"): ` + firstOnly},
		{env, func(o *manifest.Object) { o.Name = "base" }, `object 4 ("base"): ` + firstOnly},
		{env, func(o *manifest.Object) { o.Role = manifest.RoleHidden }, `object 4 ("environment"): ` + firstOnly},
		{published, func(o *manifest.Object) { o.Role = manifest.RoleLayer }, `object 8 ("published"): ` + hiddenOnly},
		{codeTree, func(o *manifest.Object) { o.Role = manifest.RoleLayer }, `object 7 ("code.verity"): role "layer" where the hash tree of "code" is due`},
		{codeTree, func(o *manifest.Object) { o.Name = "env.verity" }, `object 7 ("env.verity"): role "tree" where the hash tree of "code" is due`},
		{codeTree, func(o *manifest.Object) { o.Layer = &manifest.Layer{} }, `object 7 ("code.verity"): role "tree" where the hash tree of "code" is due`},
		{envTree, func(o *manifest.Object) { o.Size++ }, fmt.Sprintf(`object 5 ("environment.verity"): %d bytes, the tree of "environment" has %d`, verity.TreeSize(align)+1, verity.TreeSize(align))},
	} {
		objects := listed(false)
		c.change(&objects[c.at])
		told(t, fmt.Sprint("case ", i), checkObjects(objects), c.want)
	}
}

// TestObjectCounts: layers come in pairs with their trees, at least one and
// not too many, no name twice.
func TestObjectCounts(t *testing.T) {
	all := listed(false)
	const want = "objects: want the small ones, then layers each with its tree"
	for _, n := range []int{0, 1, 2, 3, 5, 7} {
		told(t, fmt.Sprint(n, " objects"), checkObjects(all[:n]), fmt.Sprint(n, " ", want))
	}
	for _, n := range []int{4, 6, 8} {
		told(t, fmt.Sprint(n, " objects"), checkObjects(all[:n]), "")
	}
	told(t, "an sbom and no layer", checkObjects(listed(true)[:3]), "3 "+want)
	told(t, "an sbom and half a layer", checkObjects(listed(true)[:4]), "4 "+want)
	many := func(n int) []manifest.Object {
		objects := listed(false)[:4]
		for i := range n - 1 {
			layer, hashes := all[4], all[5]
			layer.Name = fmt.Sprint("data-", i)
			layer.ID, hashes.Name, hashes.ID = uint32(len(objects)+2), layer.Name+treeSuffix, uint32(len(objects)+3)
			objects = append(objects, layer, hashes)
		}
		return objects
	}
	long := many(2)
	long[4].Name = strings.Repeat("c", maxLayerName)
	long[5].Name = long[4].Name + treeSuffix
	told(t, "as long a name as there may be", checkObjects(long), "")
	told(t, "as many layers as there may be", checkObjects(many(maxLayers)), "")
	told(t, "one more", checkObjects(many(maxLayers+1)), fmt.Sprintf("%d layers, at most %d are allowed", maxLayers+1, maxLayers))
	twice := many(3)
	twice[6].Name, twice[7].Name = twice[4].Name, twice[5].Name
	told(t, "a name twice", checkObjects(twice), `object 8 ("data-0"): name used twice`)
}

// TestPlan: objects begin at pages, their number and sizes are bounded.
func TestPlan(t *testing.T) {
	m := &storedManifest{stored: make([]byte, 5000), date: 7}
	m.Arch = "arm64"
	m.Objects = listed(false)
	slots := []signatureSlot{{hash: HashSHA384, size: 9}, {attestation: true, hash: HashSHA256, size: 1}}
	p, err := newPlan(m, slots)
	if err != nil {
		t.Fatal(err)
	}
	end := int64(dataOffset)
	for i, o := range p.objects {
		if o.Slot != i+1 || o.ID != uint32(i+1) || o.Offset%align != 0 || o.Offset < end || o.Offset >= end+align || o.Padded != o.Offset-end+o.Size ||
			o.Created != 7 || o.Modified != 7 {
			t.Errorf("object %d: %d bytes at %d, padded %d, behind %d, times %d and %d", o.ID, o.Size, o.Offset, o.Padded, end, o.Created, o.Modified)
		}
		end = o.Offset + o.Size
	}
	if h := p.header; p.end != end || h.DataSize != end-dataOffset || h.Total != capacity || h.Free != capacity-int64(len(p.objects)) || h.Arch != "arm64" {
		t.Errorf("end %d of %d, header %+v", p.end, end, h)
	}
	sig, att := p.objects[len(p.objects)-2], p.objects[len(p.objects)-1]
	if sig.Link != imageGroup || !sig.LinkIsGroup || sig.Group != 0 || att.Link != 0 || att.LinkIsGroup || att.Group != 0 {
		t.Errorf("signature %+v, attestation %+v", sig, att)
	}
	free := capacity - 1 - len(m.Objects)
	if _, err := newPlan(m, make([]signatureSlot, free)); err != nil {
		t.Error(err)
	}
	_, err = newPlan(m, make([]signatureSlot, free+1))
	told(t, "one signature more", err, fmt.Sprintf("%d objects: an image has room for %d", capacity+1, capacity))
	_, err = newPlan(m, []signatureSlot{{size: 1 << 62}})
	told(t, "a signature as large as a number", err, fmt.Sprintf(`object 10 (""): %d bytes`, int64(1<<62)))
}

// TestFlusher: what is handed on is what was written since, once it is a step,
// and nobody waits.
func TestFlusher(t *testing.T) {
	f := flusher{from: 100, steps: make(chan int64, 1)}
	f.written(100 + flushStep - 1)
	if f.from != 100 || len(f.steps) != 0 {
		t.Errorf("less than a step was handed on: from %d", f.from)
	}
	f.written(100 + flushStep)
	if f.from != 100+flushStep || len(f.steps) != 1 || <-f.steps != 100+flushStep {
		t.Errorf("a step was not handed on: from %d", f.from)
	}
	f.written(100 + 3*flushStep)
	f.written(100 + 9*flushStep) // nobody took the one before
	if f.from != 100+3*flushStep || <-f.steps != 100+3*flushStep {
		t.Errorf("a busy disk is waited for, or a step is lost: from %d", f.from)
	}
}
