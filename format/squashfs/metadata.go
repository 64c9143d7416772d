package squashfs

import (
	"encoding/binary"

	"repro/internal/codec"
)

var le = binary.LittleEndian

// metadataRaw in the length of a metadata block says that it is not compressed.
const metadataRaw = 1 << 15

// metadata is a stream of metadata under construction.
type metadata struct {
	encoder codec.Encoder
	out     []byte // whole metadata blocks
	block   []byte // the last one, uncompressed
}

func (m *metadata) write(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), metadataSize-len(m.block))
		m.block = append(m.block, b[:n]...)
		b = b[n:]
		if len(m.block) == metadataSize {
			if err := m.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *metadata) flush() error {
	if len(m.block) == 0 {
		return nil
	}
	start := len(m.out)
	out, err := m.encoder.Encode(append(m.out, 0, 0), m.block)
	if err != nil {
		return err
	}
	size := uint16(len(out) - start - 2)
	if int(size) >= len(m.block) {
		out = append(out[:start+2], m.block...)
		size = uint16(len(m.block)) | metadataRaw
	}
	le.PutUint16(out[start:], size)
	m.out, m.block = out, m.block[:0]
	return nil
}

// start is where the metadata block begins to which the next byte belongs, offset where
// in it that byte will stand.
func (m *metadata) start() uint32  { return uint32(len(m.out)) }
func (m *metadata) offset() uint16 { return uint16(len(m.block)) }

// table writes content as metadata, then the list of where its metadata blocks stand,
// and returns where the list stands.
func (w *writer) table(content []byte) (uint64, error) {
	return w.tableBehind(nil, content)
}

// tableBehind is table with a header in front of the list.
func (w *writer) tableBehind(head, content []byte) (uint64, error) {
	m := metadata{encoder: w.encoder}
	list := head
	for len(content) > 0 {
		n := min(len(content), metadataSize)
		list = le.AppendUint64(list, uint64(w.at)+uint64(m.start()))
		if err := m.write(content[:n]); err != nil {
			return 0, err
		}
		if err := m.flush(); err != nil {
			return 0, err
		}
		content = content[n:]
	}
	if err := w.write(m.out); err != nil {
		return 0, err
	}
	at := uint64(w.at)
	return at, w.write(list)
}
