package sbom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/adler32"
)

// Parts of the database that openSUSE uses (rpm's lib/backend/ndb/rpmpkg.c):
// slots of 16 bytes, the first two of which are the header, lead to blobs at
// multiples of 16 bytes. Numbers are little-endian.
const (
	ndbSlot       = 16
	ndbHeaderSize = 2 * ndbSlot
	ndbPage       = 4096
)

// ndbHeaders yields the packages of an ndb database.
func ndbHeaders(b []byte, yield func([]byte) error) error {
	le := binary.LittleEndian
	if len(b) < ndbHeaderSize || string(b[:4]) != "RpmP" || le.Uint32(b[4:]) != 0 {
		return fmt.Errorf("%w: not ndb version 0", errDatabase)
	}
	end := int64(le.Uint32(b[12:])) * ndbPage
	if end > int64(len(b)) {
		return fmt.Errorf("%w: slots beyond its end", errDatabase)
	}
	for slot := b[ndbHeaderSize:max(end, ndbHeaderSize)]; len(slot) >= ndbSlot; slot = slot[ndbSlot:] {
		if string(slot[:4]) != "Slot" {
			return fmt.Errorf("%w: not a slot", errDatabase)
		}
		nr, at := le.Uint32(slot[4:]), int64(le.Uint32(slot[8:]))*ndbSlot
		if nr == 0 {
			continue // free
		}
		if at+ndbSlot > int64(len(b)) || string(b[at:at+4]) != "BlbS" || le.Uint32(b[at+4:]) != nr {
			return fmt.Errorf("%w: package %d is not where its slot says", errDatabase, nr)
		}
		size := int64(le.Uint32(b[at+12:]))
		if at+ndbSlot+size > int64(len(b)) {
			return fmt.Errorf("%w: package %d reaches beyond its end", errDatabase, nr)
		}
		if err := yield(b[at+ndbSlot:][:size]); err != nil {
			return err
		}
	}
	return nil
}

// RPMDatabase writes a database of the form of openSUSE's Packages.db, without the
// index beside it, with headers of packages as [RPMPackages] yields them.
func RPMDatabase(headers [][]byte) []byte {
	le := binary.LittleEndian
	pages := (ndbHeaderSize + ndbSlot*len(headers) + ndbPage - 1) / ndbPage
	out := make([]byte, max(pages, 1)*ndbPage)
	copy(out, "RpmP")
	le.PutUint32(out[12:], uint32(len(out)/ndbPage))
	le.PutUint32(out[16:], uint32(len(headers)+1)) // the next package's number
	for at := ndbHeaderSize; at < len(out); at += ndbSlot {
		copy(out[at:], "Slot")
	}
	for i, header := range headers {
		slot := out[ndbHeaderSize+i*ndbSlot:]
		const head, tail = 16, 12
		size := (head + len(header) + tail + ndbSlot - 1) / ndbSlot * ndbSlot
		le.PutUint32(slot[4:], uint32(i+1))
		le.PutUint32(slot[8:], uint32(len(out)/ndbSlot))
		le.PutUint32(slot[12:], uint32(size/ndbSlot))
		blob := make([]byte, size)
		copy(blob, "BlbS")
		le.PutUint32(blob[4:], uint32(i+1))
		le.PutUint32(blob[12:], uint32(len(header)))
		copy(blob[head:], header)
		le.PutUint32(blob[size-tail:], adler32.Checksum(blob[:size-tail]))
		le.PutUint32(blob[size-8:], uint32(len(header)))
		copy(blob[size-4:], "BlbE")
		out = append(out, blob...)
	}
	return out
}

// Parts of a hash of Berkeley DB, as rpm up to 4.15 uses it (db's
// dbinc/db_page.h). Numbers have the order of the machine that wrote it.
const (
	bdbHashMagic    = 0x061561
	bdbPageHeader   = 26
	bdbHashUnsorted = 2 // kinds of page
	bdbOverflow     = 7
	bdbHash         = 13
	bdbKeyData      = 1 // kinds of item
	bdbOffPage      = 3
)

type bdb struct {
	b     []byte
	order binary.ByteOrder
	page  int64 // bytes
}

// bdbHeaders yields the packages of a Berkeley DB hash: what is not the small
// record in which rpm counts.
func bdbHeaders(b []byte, yield func([]byte) error) error {
	db := &bdb{b: b, order: binary.LittleEndian}
	if len(b) < 512 {
		return fmt.Errorf("%w: not a hash of Berkeley DB", errDatabase)
	}
	if db.order.Uint32(b[12:]) != bdbHashMagic {
		db.order = binary.BigEndian
	}
	db.page = int64(db.order.Uint32(b[20:]))
	if db.order.Uint32(b[12:]) != bdbHashMagic || db.page < 512 || db.page > 1<<16 || db.page&(db.page-1) != 0 {
		return fmt.Errorf("%w: not a hash of Berkeley DB", errDatabase)
	}
	if b[24] != 0 {
		return fmt.Errorf("%w: is encrypted", errDatabase)
	}
	read := int64(0) // bytes of values, which are read once each: a damaged chain cannot be long
	for nr := int64(1); (nr+1)*db.page <= int64(len(b)); nr++ {
		p := b[nr*db.page:][:db.page]
		if kind := p[25]; kind != bdbHash && kind != bdbHashUnsorted {
			continue
		}
		entries := int64(db.order.Uint16(p[20:]))
		if bdbPageHeader+2*entries > db.page {
			return fmt.Errorf("%w: page %d", errDatabase, nr)
		}
		for i := int64(1); i < entries; i += 2 { // values follow their keys
			value, err := db.item(p, i)
			if err != nil {
				return fmt.Errorf("page %d: %w", nr, err)
			}
			if read += int64(len(value)); read > int64(len(b)) {
				return fmt.Errorf("%w: values share pages", errDatabase)
			}
			if len(value) < 8 {
				continue
			}
			if err := yield(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// item returns item i of a page: in place, or gathered from the pages that it
// lies on.
func (db *bdb) item(p []byte, i int64) ([]byte, error) {
	end := db.page
	if i > 0 {
		end = int64(db.order.Uint16(p[bdbPageHeader+2*(i-1):]))
	}
	at := int64(db.order.Uint16(p[bdbPageHeader+2*i:]))
	if at < bdbPageHeader || at >= end || end > db.page {
		return nil, errDatabase
	}
	switch item := p[at:end]; {
	case item[0] == bdbKeyData:
		return item[1:], nil
	case item[0] == bdbOffPage && len(item) >= 12:
		return db.overflow(int64(db.order.Uint32(item[4:])), int64(db.order.Uint32(item[8:])))
	}
	return nil, errDatabase
}

func (db *bdb) overflow(nr, size int64) ([]byte, error) {
	if size > int64(len(db.b)) {
		return nil, errDatabase
	}
	var out bytes.Buffer
	for left := size; left > 0; {
		if nr == 0 || (nr+1)*db.page > int64(len(db.b)) {
			return nil, errDatabase
		}
		p := db.b[nr*db.page:][:db.page]
		n := int64(db.order.Uint16(p[22:]))
		if p[25] != bdbOverflow || n == 0 || n > left || bdbPageHeader+n > db.page {
			return nil, errDatabase
		}
		out.Write(p[bdbPageHeader:][:n])
		left -= n
		nr = int64(db.order.Uint32(p[16:]))
	}
	return out.Bytes(), nil
}
