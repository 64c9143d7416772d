package codec

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// frames are two frames of 300 bytes by different writers, the second with a
// window, without content size and with a checksum.
func frames(t *testing.T) (ours, theirs, content []byte) {
	t.Helper()
	content = bytes.Repeat([]byte("abc"), 100)
	c, err := Find("zstd")
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.NewEncoder(len(content))
	if err != nil {
		t.Fatal(err)
	}
	if ours, err = e.Encode(nil, content); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(1<<16), zstd.WithEncoderCRC(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{content[:100], content[100:]} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return ours, out.Bytes(), content
}

// TestOneFrame: what stands behind a frame is read by some and not by others
// (SQ-6).
func TestOneFrame(t *testing.T) {
	ours, theirs, content := frames(t)
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'}
	dst := make([]byte, 1000)
	for _, c := range []struct {
		name string
		src  []byte
		want error
	}{
		{"ours", ours, nil},
		{"theirs", theirs, nil},
		{"two frames", append(bytes.Clone(ours), ours...), errTrailing},
		{"a byte behind", append(bytes.Clone(ours), 0), errTrailing},
		{"a byte behind a sum", append(bytes.Clone(theirs), 0), errTrailing},
		{"a skippable frame behind", append(bytes.Clone(ours), skippable...), errTrailing},
		{"a skippable frame before", append(bytes.Clone(skippable), ours...), errFrame},
		{"without its last byte", ours[:len(ours)-1], errFrame},
		{"without the sum's last byte", theirs[:len(theirs)-1], errFrame},
		{"head only", ours[:7], errFrame},
		{"half a block's head", ours[:9], errFrame},
		{"nothing", nil, errFrame},
		{"magic number only", ours[:5], errFrame},
	} {
		n, err := Decode(Zstd, dst, c.src)
		if !errors.Is(err, c.want) || c.want == nil && !bytes.Equal(dst[:n], content) {
			t.Errorf("%s: %d bytes, %v, want %v", c.name, n, err, c.want)
		}
	}
	unused, reserved := bytes.Clone(ours), bytes.Clone(ours)
	unused[4] |= unusedFlag
	reserved[7] |= 3 << 1
	for _, src := range [][]byte{unused, reserved} {
		if err := checkFrame(src, 1<<20); !errors.Is(err, errFrame) {
			t.Errorf("% x: %v", src[:8], err)
		}
	}
	repeated := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 200, 200<<3&0xff | 1<<1 | 1, 200 >> 5, 0, 'x'}
	if n, err := Decode(Zstd, dst, repeated); n != 200 || err != nil {
		t.Errorf("one byte 200 times: %d, %v", n, err)
	}
	if _, err := Decode(Zstd, dst, append(repeated, 'x')); !errors.Is(err, errTrailing) {
		t.Errorf("a byte behind one that is repeated: %v", err)
	}
}

func TestWindow(t *testing.T) {
	_, theirs, _ := frames(t)
	if err := checkFrame(theirs, 1<<16); err != nil {
		t.Error(err)
	}
	if err := checkFrame(theirs, 1<<16-1); err == nil || !strings.Contains(err.Error(), "window of 65536 bytes") {
		t.Error(err)
	}
}

func TestZlibEnds(t *testing.T) {
	c, err := Find("gzip")
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.NewEncoder(4096)
	if err != nil {
		t.Fatal(err)
	}
	src, err := e.Encode(nil, bytes.Repeat([]byte("abc"), 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{300, 301, 4096} { // read to the end with and without room to spare
		if n, err := Decode(Gzip, make([]byte, room), src); n != 300 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := Decode(Gzip, make([]byte, room), append(bytes.Clone(src), 0)); !errors.Is(err, errTrailing) {
			t.Errorf("a byte behind, room for %d: %v", room, err)
		}
	}
}

func TestReadHead(t *testing.T) {
	magic := "\x28\xb5\x2f\xfd"
	for head, want := range map[string]Head{
		magic + "\x20\xff":                             {255, 255},
		magic + "\x60\x00\x01":                         {512, 512},
		magic + "\xa0\x00\x00\x01\x00":                 {65536, 65536},
		magic + "\xe0\x05\x00\x00\x00\x00\x00\x00\x00": {5, 5},
		magic + "\xe0\xff\xff\xff\xff\xff\xff\xff\xff": {1<<63 - 1, 1<<63 - 1},
		magic + "\x21\x00\x07":                         {7, 7}, // a dictionary
		magic + "\x23\x00\x00\x00\x00\x07":             {7, 7}, // with a longer number
		magic + "\x40\x00\x01\x00":                     {257, 1 << 10},
		magic + "\x40\x0f\x01\x00":                     {257, 15 << 8},
		magic + "\x00\x00":                             {-1, 0},
		magic + "\x60\x00":                             {-1, 0}, // cut
		magic + "\x20":                                 {-1, 0},
		"\x28\xb5\x2f\xfe\x20\xff":                     {-1, 0},
	} {
		h, ok := ReadHead(Zstd, []byte(head))
		if ok != (want.Content >= 0) || ok && h != want {
			t.Errorf("% x: %+v, %v, want %+v", head, h, ok, want)
		}
	}
	if _, ok := ReadHead(Gzip, []byte(magic+"\x20\xff")); ok {
		t.Error("zlib says nothing of its size")
	}
}
