package format

import (
	"math"

	"repro/format/manifest"
)

// The fixed places of the canonical layout. 112 descriptors fill 16 pages but
// for 16 bytes; at most 68 of them are taken by the objects of a manifest.
const (
	align       = 4096
	tableOffset = 4096
	capacity    = 112
	dataOffset  = tableOffset + 16*align

	imageGroup = 1

	// maxSignature bounds the size of one signature object.
	maxSignature = 4 << 20
)

func roundUp(n int64) int64 { return (n + align - 1) / align * align }

// plan is the canonical layout of one image: every byte of the file except the
// contents of its objects.
type plan struct {
	header  Header
	objects []Object
	end     int64 // size of the file
}

// newPlan derives the layout from the manifest and the signatures, of which
// only sizes and the descriptor's particulars matter.
func newPlan(m *storedManifest, signatures []signatureSlot) (*plan, error) {
	p := &plan{end: dataOffset}
	objects := []Object{{Type: dataGenericJSON, Name: ManifestName, Size: int64(len(m.stored))}}
	for _, o := range m.Objects {
		objects = append(objects, planned(o, m.Arch))
	}
	for i := range objects {
		objects[i].Group = imageGroup
	}
	for _, s := range signatures {
		objects = append(objects, s.planned())
	}
	if len(objects) > capacity {
		return nil, malformed("%d objects: an image has room for %d", len(objects), capacity)
	}
	for i, o := range objects {
		o.Slot, o.ID = i+1, uint32(i+1)
		if o.Size > math.MaxInt64/2-p.end {
			return nil, malformed("object %d (%q): %d bytes", o.ID, o.Name, o.Size)
		}
		o.Offset = roundUp(p.end)
		o.Padded = o.Offset - p.end + o.Size
		o.Created, o.Modified = m.date, m.date
		o.encode()
		p.objects = append(p.objects, o)
		p.end = o.Offset + o.Size
	}
	p.header = Header{
		Launch: launch, Arch: m.Arch, UUID: m.uuid(),
		Created: m.date, Modified: m.date,
		Free: int64(capacity - len(objects)), Total: capacity,
		TableOffset: tableOffset, TableSize: capacity * descriptorSize,
		DataOffset: dataOffset, DataSize: p.end - dataOffset,
	}
	p.header.encode()
	return p, nil
}

// signatureSlot is what the descriptor of a signature is free to say.
type signatureSlot struct {
	attestation bool
	hash        HashType
	entity      [20]byte
	size        int64
}

func (s signatureSlot) planned() Object {
	d := Object{Type: DataSignature, Size: s.size}
	if !s.attestation {
		d.Link, d.LinkIsGroup = imageGroup, true
	}
	d.setSignature(s.hash, s.entity)
	return d
}

// planned returns the descriptor of an object that a manifest lists.
func planned(o manifest.Object, arch string) Object {
	d := Object{Name: o.Name, Size: o.Size}
	switch o.Role {
	case manifest.RoleInspect:
		d.Type = dataGenericJSON
	case manifest.RoleSBOM:
		d.Type = dataSBOM
		d.extra()[0] = sbomSPDXJSON
	case manifest.RoleLayer, manifest.RoleHidden:
		d.Type = dataPartition
		d.setPartition(Partition{FSSquash, partType(o), arch})
	default:
		d.Type = dataGeneric
	}
	return d
}

// sbomSPDXJSON is SIF's code for an SPDX document as JSON.
const sbomSPDXJSON = 4

func partType(o manifest.Object) PartType {
	switch {
	case o.Role == manifest.RoleHidden:
		return partData
	case o.Name == EnvironmentName:
		return PartPrimary
	}
	return PartOverlay
}

// head returns the file up to the first object.
func (p *plan) head() []byte {
	b := make([]byte, dataOffset)
	copy(b, p.header.raw[:])
	for i, o := range p.objects {
		copy(b[tableOffset+i*descriptorSize:], o.raw[:])
	}
	return b
}
