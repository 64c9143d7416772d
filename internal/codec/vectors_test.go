package codec_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"repro/internal/codec"
)

const vectorsDir = "../../testdata/vectors/codec"

// vector is an input and what the codec makes of it.
type vector struct {
	name        string
	input, want []byte
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(vectorsDir, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var named []struct{ Name string }
	if err := json.Unmarshal(list, &named); err != nil || len(named) == 0 {
		t.Fatalf("%d vectors: %v", len(named), err)
	}
	var out []vector
	for _, v := range named {
		want, err := os.ReadFile(filepath.Join(vectorsDir, v.Name+".zst"))
		if err != nil {
			t.Fatal(err)
		}
		input := make([]byte, 1<<20)
		n, err := codec.Decode(codec.Zstd, input, want)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		out = append(out, vector{v.Name, input[:n], want})
	}
	return out
}

// TestVectors encodes again what the vectors decode to.
func TestVectors(t *testing.T) {
	c, err := codec.Find("zstd-2/repro-4")
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.NewEncoder(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range readVectors(t) {
		if got, err := e.Encode(nil, v.input); err != nil || !bytes.Equal(got, v.want) {
			t.Errorf("%s: %d bytes become %d others, want %d: %v", v.name, len(v.input), len(got), len(v.want), err)
		}
	}
}

// TestAnotherImplementation has the vectors encoded by the program beside them,
// which was written from SPEC.md, and decoded by zstd.
func TestAnotherImplementation(t *testing.T) {
	for _, program := range []string{"python3", "zstd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
	vectors, dir := readVectors(t), t.TempDir()
	args := []string{filepath.Join(vectorsDir, "encode.py")}
	for _, v := range vectors {
		name := filepath.Join(dir, v.name)
		if err := os.WriteFile(name, v.input, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	if out, err := exec.Command("python3", args...).CombinedOutput(); err != nil {
		t.Fatalf("encode.py: %v\n%s", err, out)
	}
	for _, v := range vectors {
		name := filepath.Join(dir, v.name+".zst")
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, v.want) {
			t.Errorf("%s: encode.py makes other bytes: %v", v.name, err)
		}
		if got, err := exec.Command("zstd", "-d", "-c", "-q", name).Output(); err != nil || !bytes.Equal(got, v.input) {
			t.Errorf("%s: zstd decodes something else: %v", v.name, err)
		}
	}
}
