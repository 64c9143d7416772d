package squashfs

import (
	"io/fs"
	"testing"

	"repro/format/tree"
)

// TestInodeSizes holds how many bytes inodes have: a field of the long form too
// many shifts all that follow (SQ-12).
func TestInodeSizes(t *testing.T) {
	for _, c := range []struct {
		mode        fs.FileMode
		basic, long int
	}{
		{fs.ModeSymlink, 24 + 6, 28 + 6},
		{fs.ModeDevice, 24, 28},
		{fs.ModeDevice | fs.ModeCharDevice, 24, 28},
		{fs.ModeNamedPipe, 20, 24},
		{fs.ModeSocket, 20, 24},
		{0, 32 + 4, 56 + 4},
	} {
		in := inode{node: &tree.Node{Mode: c.mode, Target: "target"}, links: 1, xattr: none32, content: &content{blocks: []uint32{1}}}
		if got := len(in.encode()); got != c.basic {
			t.Errorf("%v: %d bytes, want %d", c.mode, got, c.basic)
		}
		in.xattr = 0
		if got := len(in.encode()); got != c.long {
			t.Errorf("%v with attributes: %d bytes, want %d", c.mode, got, c.long)
		}
	}
}
