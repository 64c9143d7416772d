package codec_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"repro/internal/codec"
)

// samples are blocks of several kinds, the same for ever.
func samples() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var text, table []byte
	for len(text) < 1<<17 {
		text = fmt.Appendf(text, "%d measured %x at place %d\n", r.IntN(100), r.IntN(16), len(text))
	}
	for len(table) < 1<<17 {
		table = append(table, byte(r.IntN(4)), 0, byte(len(table)>>9), 0xff)
	}
	return [][]byte{{}, {0}, []byte("short"), noise, text[:1<<17], table[:1<<17], text[:8192], bytes.Repeat([]byte{7}, 1<<17),
		bytes.Repeat(text[:1000], 1049)[:1<<20]}
}

// golden holds digests of compressed samples. A digest that moves means that
// the codec's name must change, and that images are no longer rebuilt alike.
var golden = map[string]string{
	"zstd-2/repro-4":                   "ea5b84dd33c808b9",
	"zstd-19/repro-4-klauspost-1.20.3": "0adacb0c0a445911",
	"gzip-9/repro-4-klauspost-1.20.3":  "de87faedaf2429dc",
	"none/repro-4":                     "072607f23a054c0b",
}

// TestGolden also runs with the tag noasm, from TestNoAssembly.
func TestGolden(t *testing.T) {
	for _, alias := range codec.Names() {
		c, err := codec.Find(alias)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		e, err := c.NewEncoder(1 << 17)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // what an encoder did before must not show
			for _, s := range samples() {
				b, err := e.Encode([]byte("before"), s)
				if err != nil {
					t.Fatal(err)
				}
				h.Write(b)
			}
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != golden[c.Name()] {
			t.Errorf("%s: digest %s, want %s", c.Name(), got, golden[c.Name()])
		}
	}
}

// TestNoAssembly runs TestGolden without assembly.
func TestNoAssembly(t *testing.T) {
	if testing.Short() {
		t.Skipf("slow")
	}
	if os.Getenv("REPRO_TEST_NOASM") != "" {
		t.Skipf("is what TestNoAssembly runs")
	}
	cmd := exec.Command("go", "test", "-tags", "noasm", "-run", "TestGolden|TestRoundTrip", ".")
	cmd.Env = append(os.Environ(), "REPRO_TEST_NOASM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			t.Skipf("needs go")
		}
		t.Errorf("%v\n%s", err, out)
	}
}

// TestNameHoldsTheRelease makes the names of codecs that use a library follow
// go.mod.
func TestNameHoldsTheRelease(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github.com/klauspost/compress v(\S+)`).FindSubmatch(mod)
	if m == nil {
		t.Fatal("go.mod does not name klauspost/compress")
	}
	for _, alias := range codec.Names() {
		c, err := codec.Find(alias)
		if err != nil {
			t.Fatal(err)
		}
		own := alias == "none" || alias == "zstd"
		if own == strings.HasSuffix(c.Name(), "klauspost-"+string(m[1])) {
			t.Errorf("%s: go.mod has %s", c.Name(), m[1])
		}
		if again, err := codec.Find(c.Name()); err != nil || again != c {
			t.Errorf("%s is not found by its name: %v", c.Name(), err)
		}
	}
}

func TestFindRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"rar":                    "not one of zstd",
		"none/repro-1":           "this program has none/repro-4",
		"zstd-2/klauspost-0.9.0": "this program has zstd-2/repro-4, which",
	} {
		if _, err := codec.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSplit counts the blocks of frames: bytes of one kind share tables, bytes
// of another have their own. So has the start, which has little to repeat.
func TestSplit(t *testing.T) {
	c, err := codec.Find("zstd")
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.NewEncoder(1 << 17)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var text, table []byte
	for len(text) < 1<<17 || len(table) < 1<<17 {
		text = fmt.Appendf(text, "%d measured %x\n", r.IntN(100), r.IntN(16))
		table = append(table, byte(r.IntN(4)), 0, byte(r.IntN(30))+100, 0xff, 1, 2, byte(r.IntN(4)), 3)
	}
	text, table = text[:1<<17], table[:1<<17]
	for _, tt := range []struct {
		name string
		src  []byte
		want int
	}{
		{"text", text, 2},
		{"table", table, 1},
		{"both", slices.Concat(text[:1<<16], table[:1<<16]), 3},
		{"in turn", slices.Concat(text[:40_000], table[:40_000], text[80_000:120_000]), 4},
		{"two blocks of text", slices.Concat(text, text[:100_000]), 3},
	} {
		frame, err := e.Encode(nil, tt.src)
		if err != nil {
			t.Fatal(err)
		}
		if got := countBlocks(frame); got != tt.want {
			t.Errorf("%s: %d blocks, want %d", tt.name, got, tt.want)
		}
		back := make([]byte, len(tt.src))
		if n, err := codec.Decode(codec.Zstd, back, frame); err != nil || !bytes.Equal(back[:n], tt.src) {
			t.Errorf("%s: does not come back: %d bytes, %v", tt.name, n, err)
		}
	}
}

// countBlocks follows the heads of blocks behind a frame's head with 4 bytes
// of size.
func countBlocks(frame []byte) (n int) {
	for b := frame[9:]; len(b) > 0; n++ {
		b = b[3+(int(b[0])|int(b[1])<<8|int(b[2])<<16)>>3:]
	}
	return n
}

func TestRoundTrip(t *testing.T) {
	for _, alias := range codec.Names() {
		if alias == "none" {
			continue
		}
		c, err := codec.Find(alias)
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.NewEncoder(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range samples() {
			b, err := e.Encode(nil, s)
			if err != nil {
				t.Fatal(err)
			}
			out := make([]byte, len(s))
			if n, err := codec.Decode(c.Algorithm(), out, b); err != nil || !bytes.Equal(out[:n], s) {
				t.Errorf("%s: sample %d: %d bytes, %v", alias, i, n, err)
			}
			if len(s) == 0 {
				continue
			}
			if _, err := codec.Decode(c.Algorithm(), out[:len(s)-1], b); !errors.Is(err, codec.ErrTooLong) {
				t.Errorf("%s: sample %d into too little room: %v", alias, i, err)
			}
			if _, err := codec.Decode(c.Algorithm(), out, b[:len(b)-1]); err == nil {
				t.Errorf("%s: sample %d: a cut block is read", alias, i)
			}
		}
	}
}

func TestNewReader(t *testing.T) {
	text := samples()[4]
	for name, program := range map[string][]string{
		"":      {"cat"},
		"gzip":  {"gzip", "-c"},
		"zstd":  {"zstd", "-c", "-q"},
		"xz":    {"xz", "-c"},
		"bzip2": {"bzip2", "-c"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(program[0]); err != nil {
				t.Skipf("needs %s", program[0])
			}
			cmd := exec.Command(program[0], program[1:]...)
			cmd.Stdin = bytes.NewReader(text)
			b, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			r, got, err := codec.NewReader(bytes.NewReader(b))
			if err != nil || got != name {
				t.Fatalf("%q, %v", got, err)
			}
			out, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(out, text) {
				t.Errorf("%d bytes, %v", len(out), err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if name == "" {
				return
			}
			if r, _, err = codec.NewReader(bytes.NewReader(b[:len(b)-9])); err == nil {
				_, err = io.ReadAll(r)
			}
			if err == nil {
				t.Error("a cut stream is read")
			}
		})
	}
	if r, name, err := codec.NewReader(strings.NewReader("")); err != nil || name != "" {
		t.Errorf("nothing: %v, %q, %v", r, name, err)
	}
}

func TestNewReaderBoundsWindows(t *testing.T) {
	for name, args := range map[string][]string{
		"zstd": {"zstd", "-c", "-q", "--long=30", "--ultra", "-1"},
		"xz":   {"xz", "-c", "--lzma2=dict=512MiB,mf=hc3,mode=fast,nice=4"},
	} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s", name)
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdin = bytes.NewReader(samples()[4])
		b, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := codec.NewReader(bytes.NewReader(b))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Errorf("%s: a window above MaxStreamWindow is allowed", name)
		}
	}
}

// FuzzDecode decompresses anything: nothing may panic or give more than asked.
func FuzzDecode(f *testing.F) {
	for _, alias := range codec.Names() {
		c, err := codec.Find(alias)
		if err != nil {
			f.Fatal(err)
		}
		e, err := c.NewEncoder(1 << 17)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range samples()[:3] {
			b, err := e.Encode(nil, s)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(c.Algorithm()), b)
		}
	}
	for _, seed := range []string{"\x15some text", "\x12a\x00\x00\x11\x00\x00", "\x20\x04abc\x11\x00\x00"} {
		f.Add(uint8(codec.LZO), []byte(seed))
	}
	f.Add(uint8(codec.LZ4), []byte("\x50hello"))
	f.Add(uint8(codec.XZ), []byte("\xfd7zXZ\x00\x00\x01\x69\x22\xde\x36\x02\x00\x21\x01\x08\x00\x00\x00"))
	f.Add(uint8(codec.LZMA), []byte("\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, a uint8, b []byte) {
		out := make([]byte, 1<<16)
		for i := range out {
			out[i] = 0xa5
		}
		n, err := codec.Decode(codec.Algorithm(a%8), out[:1<<15:1<<15], b)
		if err != nil && n != 0 || n > 1<<15 {
			t.Errorf("%d bytes, %v", n, err)
		}
		for i, c := range out[1<<15:] {
			if c != 0xa5 {
				t.Fatalf("byte %d behind the room is written", i)
			}
		}
	})
}

// FuzzZstd has this package's own encoder write, and the library read, blocks
// of any content. An encoder that was used before writes as a new one does.
func FuzzZstd(f *testing.F) {
	for _, s := range samples() {
		f.Add(s, uint16(3), uint8(7))
	}
	c, err := codec.Find("zstd")
	if err != nil {
		f.Fatal(err)
	}
	used, err := c.NewEncoder(1 << 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s []byte, times uint16, shift uint8) {
		block := s // repeated with changes, so that there are matches
		for i := 0; i < int(times) && len(block)+len(s) < 1<<20; i++ {
			cut := min(int(shift)*i, len(s))
			block = append(append(block[:len(block):len(block)], byte(i)), s[cut:]...)
		}
		b, err := used.Encode(nil, block)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := c.NewEncoder(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := fresh.Encode(nil, block); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("an encoder that was used writes otherwise: %v", err)
		}
		out := make([]byte, len(block))
		if n, err := codec.Decode(codec.Zstd, out, b); err != nil || !bytes.Equal(out[:n], block) {
			t.Fatalf("%d of %d bytes: %v", n, len(block), err)
		}
	})
}

// TestZstdReads has the reference implementation read what this package
// writes.
func TestZstdReads(t *testing.T) {
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skipf("needs zstd")
	}
	c, err := codec.Find("zstd")
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.NewEncoder(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	var packed, want []byte
	for _, s := range samples() {
		if packed, err = e.Encode(packed, s); err != nil {
			t.Fatal(err)
		}
		want = append(want, s...)
	}
	cmd := exec.Command("zstd", "-d", "-c", "-q")
	cmd.Stdin = bytes.NewReader(packed)
	if out, err := cmd.Output(); err != nil || !bytes.Equal(out, want) {
		t.Errorf("%d of %d bytes: %v", len(out), len(want), err)
	}
}
