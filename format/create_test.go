package format_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
)

// noise returns n bytes that do not compress, the same ones for one seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// TestCreateIsAFunctionOfItsSpec creates the same image under different
// circumstances.
func TestCreateIsAFunctionOfItsSpec(t *testing.T) {
	spec := func() format.Spec {
		s := sampleSpec()
		for i := range 40 {
			put(s.Layers[0].Tree, fmt.Sprintf("usr/lib/file%d", i), tree.NewFile(0o644, noise(uint64(i), 9000*i)))
		}
		return s
	}
	want := read(t, create(t, spec()))
	try := func(what string, workers int) {
		t.Helper()
		s := spec()
		s.Workers = workers
		if got := read(t, create(t, s)); !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes", what)
		}
	}
	try("another folder", 0)
	for _, n := range []int{1, 2, 8} {
		try(fmt.Sprintf("%d workers", n), n)
		old := runtime.GOMAXPROCS(n)
		try(fmt.Sprintf("GOMAXPROCS %d", n), 0)
		runtime.GOMAXPROCS(old)
	}
	old := time.Local
	time.Local = time.FixedZone("far", 13*3600)
	try("time zone", 0)
	time.Local = old
}

func TestSpecIsChecked(t *testing.T) {
	for what, break_ := range map[string]func(*format.Spec){
		"date without seconds":       func(s *format.Spec) { s.Manifest.Paper.Date = "2026-11-23" },
		"date in another zone":       func(s *format.Spec) { s.Manifest.Paper.Date = "2026-11-23T12:00:00+01:00" },
		"date before 1970":           func(s *format.Spec) { s.Manifest.Paper.Date = "1969-12-31T23:59:59Z" },
		"date after 2106":            func(s *format.Spec) { s.Manifest.Paper.Date = "2107-01-01T00:00:00Z" },
		"unknown architecture":       func(s *format.Spec) { s.Manifest.Arch = "vax" },
		"another version":            func(s *format.Spec) { s.Manifest.Version = 2 },
		"objects listed already":     func(s *format.Spec) { s.Manifest.Objects = []manifest.Object{{}} },
		"no layers":                  func(s *format.Spec) { s.Layers = nil },
		"first layer not root":       func(s *format.Spec) { s.Layers = s.Layers[1:] },
		"hidden environment":         func(s *format.Spec) { s.Layers[0].Role = manifest.RoleHidden },
		"two layers of one name":     func(s *format.Spec) { s.Layers[2].Name = "code" },
		"published layer mounted":    func(s *format.Spec) { s.Layers[3].Role = manifest.RoleLayer },
		"hidden layer by other name": func(s *format.Spec) { s.Layers[3].Name = "secret" },
		"layer named like a path":    func(s *format.Spec) { s.Layers[1].Name = "../code" },
		"layer without name":         func(s *format.Spec) { s.Layers[1].Name = "" },
		"layer with another role":    func(s *format.Spec) { s.Layers[1].Role = manifest.RoleTree },
		"further set outside": func(s *format.Spec) {
			s.Manifest.Results = []manifest.Result{{Name: "r", Output: "/o", Published: "p", Sets: []string{"../q"}}}
		},
		"spread outside": func(s *format.Spec) {
			s.Manifest.Results = []manifest.Result{{Name: "r", Output: "/o", Published: "p", Compare: manifest.Rule{Spread: "/q"}}}
		},
		"claim without a place": func(s *format.Spec) {
			s.Manifest.Claims = []manifest.Claim{{Name: "c", Value: "1", Output: "/o"}}
		},
		"claim named as a result": func(s *format.Spec) {
			s.Manifest.Results = []manifest.Result{{Name: "r", Output: "/o", Published: "p"}}
			s.Manifest.Claims = []manifest.Claim{{Name: "r", Value: "1", Output: "/o", Pointer: "/a"}}
		},
		"unknown processor": func(s *format.Spec) { s.Manifest.Steps[0].CPU = "portable-v9" },
		"unknown codec":     func(s *format.Spec) { s.Codec = "none of them" },
		"too many layers": func(s *format.Spec) {
			for i := range 40 {
				s.Layers = append(s.Layers, format.LayerSpec{Name: fmt.Sprint("l", i), Role: manifest.RoleLayer, Tree: tree.NewDir()})
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := sampleSpec()
			break_(&s)
			leavesNothing(t, s, context.Background())
		})
	}
}

// leavesNothing checks that Create fails, leaves an old file as it was and
// nothing beside it.
func leavesNothing(t *testing.T, s format.Spec, ctx context.Context) error {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "paper.sif")
	if err := os.WriteFile(name, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := format.Create(ctx, name, s)
	if err == nil {
		t.Fatal("Create succeeded")
	}
	if b := read(t, name); string(b) != "old" {
		t.Errorf("the old file was replaced by %d bytes", len(b))
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != "paper.sif" {
			t.Errorf("%s was left behind", e.Name())
		}
	}
	if !strings.Contains(err.Error(), name) {
		t.Errorf("the message does not say which image: %v", err)
	}
	return err
}

func TestFailedReadLeavesNothing(t *testing.T) {
	s := sampleSpec()
	bad := errors.New("disk on fire")
	put(s.Layers[2].Tree, "paper/late.bin", &tree.Node{Mode: 0o644, Size: 1 << 20, Open: func() (io.ReadCloser, error) { return nil, bad }})
	if err := leavesNothing(t, s, context.Background()); !errors.Is(err, bad) || !strings.Contains(err.Error(), `"data"`) {
		t.Error(err)
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	s := sampleSpec()
	put(s.Layers[2].Tree, "paper/big.bin", tree.NewFile(0o644, noise(1, 8<<20)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := leavesNothing(t, s, ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	s.Progress = func(progress.Event) { once.Do(cancel) }
	if err := leavesNothing(t, s, ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestDamageIsNamed damages one byte in every object and expects its name and
// the place of the damage.
func TestDamageIsNamed(t *testing.T) {
	s := sampleSpec()
	put(s.Layers[1].Tree, "paper/noise", tree.NewFile(0o644, noise(3, 300<<10)))
	image := read(t, create(t, s))
	sound, err := format.New(bytes.NewReader(image), int64(len(image)), "sound")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range sound.Objects()[1:] {
		if o.Size == 0 {
			continue
		}
		at := o.Offset + o.Size*2/3
		b := bytes.Clone(image)
		b[at] ^= 0x10
		im, err := format.New(bytes.NewReader(b), int64(len(b)), "damaged")
		if err != nil {
			t.Fatal(err)
		}
		statuses, err := im.Check(context.Background(), format.CheckOptions{})
		var bad *format.AlteredError
		if !errors.As(err, &bad) || !errors.Is(err, format.ErrAltered) || bad.Object != o.Name {
			t.Errorf("%s: %v", o.Name, err)
			continue
		}
		if bad.Offset >= 0 && (bad.Offset > at || bad.Offset <= at-64<<10) {
			t.Errorf("%s: damage at %d, said to be at %d", o.Name, at, bad.Offset)
		}
		for _, st := range statuses {
			if st.Intact == (st.Name == o.Name) {
				t.Errorf("damage in %s: %+v", o.Name, st)
			}
		}
	}
}
