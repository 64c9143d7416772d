package run

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Workers on one machine have different processors as long as there are enough.
func TestClaimCPUs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	all := []int{2, 3, 5, 7}
	one, freeOne := claimCPUs(all, 1, dir)
	two, freeTwo := claimCPUs(all, 2, dir)
	last, freeLast := claimCPUs(all, 1, dir)
	have := append(append(slices.Clone(one), two...), last...)
	slices.Sort(have)
	if !slices.Equal(have, all) || len(two) != 2 {
		t.Errorf("%v %v %v", one, two, last)
	}
	if more, _ := claimCPUs(all, 3, dir); len(more) != 3 || !slices.IsSorted(more) || len(slices.Compact(more)) != 3 {
		t.Errorf("where all are taken: %v", more)
	}
	freeTwo()
	again, _ := claimCPUs(all, 2, dir)
	if !slices.Equal(again, two) {
		t.Errorf("%v, though %v were given up", again, two)
	}
	freeOne()
	freeLast()
	for n, want := range map[int]int{4: 4, 9: 4, 3: 3} {
		if got, _ := claimCPUs(all, n, dir); len(got) != want {
			t.Errorf("%d of %v: %v", n, all, got)
		}
	}
}

// Where nothing can be locked, workers begin anywhere.
func TestClaimCPUsWithoutLocks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 200 {
		cpus, _ := claimCPUs([]int{0, 1, 2, 3}, 1, dir)
		seen[fmt.Sprint(cpus)] = true
	}
	if len(seen) != 4 {
		t.Errorf("chosen were %v", seen)
	}
}
