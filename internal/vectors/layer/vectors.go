package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
)

// vector is a tree and how its layer is written.
type vector struct {
	name      string
	Codec     string  `json:"codec"`
	BlockSize int     `json:"blockSize"`
	Date      int64   `json:"date"`
	Content   string  `json:"content"` // digest of the tree; found by files
	Tree      []entry `json:"tree"`
}

// entry is a path of a tree. The root comes first, and folders before what they
// hold.
type entry struct {
	Path    string            `json:"path"`
	Link    string            `json:"link,omitempty"` // an earlier path that leads to the same inode
	Type    string            `json:"type,omitempty"`
	Mode    string            `json:"mode,omitempty"` // octal
	UID     uint32            `json:"uid,omitempty"`
	GID     uint32            `json:"gid,omitempty"`
	Time    int64             `json:"time,omitempty"`
	Target  string            `json:"target,omitempty"`
	Device  uint32            `json:"device,omitempty"`
	Xattrs  map[string][]byte `json:"xattrs,omitempty"`
	Content []piece           `json:"content,omitempty"`
}

// piece is some bytes, so many times.
type piece struct {
	text  []byte
	times int
}

// MarshalJSON writes a list of the bytes in base64 and how many times.
func (p piece) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `[%q, %d]`, base64.StdEncoding.EncodeToString(p.text), p.times), nil
}

func (e entry) bytes() (out []byte) {
	for _, p := range e.Content {
		out = append(out, bytes.Repeat(p.text, p.times)...)
	}
	return out
}

const date = 1_700_000_000

func vectors() []vector {
	return []vector{
		{"none", "none/repro-4", 4096, date, "", kinds()},
		{"zstd", "zstd-2/repro-4", 4096, date, "", kinds()},
		{"listings", "zstd-2/repro-4", 4096, date, "", listings()},
		{"ends", "zstd-2/repro-4", 1 << 18, date, "", ends(1 << 18)},
		{"ends-64k", "zstd-2/repro-4", 1 << 16, date, "", ends(1 << 14)},
	}
}

func directory(path string) entry {
	return entry{Path: path, Type: "directory", Mode: "755", Time: date}
}

func file(path string, content ...piece) entry {
	return entry{Path: path, Type: "file", Mode: "644", Time: date, Content: content}
}

// noise is n bytes that cannot be compressed.
func noise(seed uint64, n int) piece {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return piece{out, 1}
}

func zeros(n int) piece { return piece{[]byte{0}, n} }

// kinds has every kind of inode, in every form.
func kinds() []entry {
	xattrs := map[string][]byte{"user.comment": []byte("a\x00b"), "trusted.empty": {}}
	out := []entry{
		directory(""), directory("b"), directory("b/empty"), directory("b/full"), directory("a"),
		file("b/full/first", noise(1, 100)), file("b/full/empty"), file("b/full/code.py", piece{[]byte("print(1)\n"), 50}),
		file("b/full/blocks", noise(2, 3*4096)), file("b/full/blocks-and-end", noise(3, 4096), piece{[]byte("x"), 5000}),
		file("b/full/holes", zeros(4096), noise(4, 4096), zeros(8192), noise(5, 10)),
		file("b/full/hole-at-end", noise(6, 4096), zeros(4096)), file("b/full/zeros", zeros(12_288)), file("b/full/few-zeros", zeros(100)),
		file("again-first", noise(1, 100)), file("again-holes", zeros(4096), noise(4, 4096), zeros(8192), noise(5, 10)),
		{Path: "a/link", Link: "b/full/first"}, {Path: "link", Link: "b/full/first"},
	}
	for i, kind := range []string{"symlink", "block", "char", "fifo", "socket", "file", "directory"} {
		for _, with := range []bool{false, true} {
			e := entry{Path: fmt.Sprintf("a/%s-%v", kind, with), Type: kind, Mode: "4711", UID: uint32(1000 + i%3), GID: 7, Time: int64(i)}
			if with {
				e.Xattrs = xattrs
			}
			switch kind {
			case "symlink":
				e.Target = "../b/full"
			case "block", "char":
				e.Device = 0x12_345_67 + uint32(i)
			}
			out = append(out, e)
		}
	}
	other := file("a/other-xattrs", noise(7, 10))
	other.Xattrs = map[string][]byte{"security.x": bytes.Repeat([]byte("v"), 9000)}
	return append(out, other, entry{Path: "z-link", Link: "a/fifo-true"})
}

// listings has folders with more entries than a header of a listing covers and
// a metadata block holds, and names that stand often.
func listings() []entry {
	out := []entry{directory(""), directory("long"), directory("short"), directory("often")}
	for i := range 700 {
		out = append(out, file(fmt.Sprintf("long/%04d-%0*d", i, 5+i%40, i), piece{[]byte{byte(i), byte(i >> 8)}, 1 + i%9}))
	}
	for i := range 300 {
		out = append(out, entry{Path: fmt.Sprintf("short/%d", i), Type: "fifo", Mode: "600", Time: 1})
	}
	for i := range 9 {
		where := fmt.Sprintf("often/%d", 8-i)
		out = append(out, directory(where), file(where+"/messages", noise(uint64(i), 50)), file(where+"/a.txt", noise(uint64(100+i), 60)),
			file(fmt.Sprintf("%s/once-%d", where, i), noise(uint64(200+i), 70)))
		if i < 7 {
			out = append(out, file(where+"/seven", noise(uint64(300+i), 80)))
		}
	}
	return out
}

// ends has ends of the sizes at which they are stored otherwise.
func ends(block int) []entry {
	fill := func(name string, n int) entry {
		text := []byte(name + " ")
		return file(name, piece{text, n / len(text)}, piece{[]byte("."), n % len(text)})
	}
	half := max(131072, block/2)
	out := []entry{directory("")}
	for i, n := range []int{1, 5000, 60_000, 131_071, 131_072, half - 1, half, block - 1, block, block + 1, block + half} {
		out = append(out, fill(fmt.Sprintf("%02d-start", i), n), fill(fmt.Sprintf("%02d-bulk.txt", i), n))
	}
	return append(out, fill(".txt", 300), fill("no.", 301), fill("two.dots.py", 302), fill("upper.TXT", 303))
}
