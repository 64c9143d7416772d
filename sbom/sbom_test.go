package sbom_test

import (
	"os"
	"path/filepath"
	"testing"

	"repro/sbom"
	"repro/tree"
)

func TestRoot(t *testing.T) {
	dir := os.Getenv("ROOTFS")
	if dir == "" {
		t.Skip("needs ROOTFS")
	}
	root, err := tree.FromDir(dir, tree.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := sbom.Read(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	n := map[sbom.Kind]int{}
	lic := 0
	for _, p := range inv.Packages {
		n[p.Kind]++
		if len(p.Licences) > 0 {
			lic++
		}
	}
	t.Log(n, lic, inv.Files, inv.Unowned, inv.Name)
	s := sbom.Subject{Name: "A paper", Date: "2026-01-02T00:00:00Z"}
	os.WriteFile(filepath.Join(os.Getenv("OUT"), "x.spdx.json"), inv.SPDX(s), 0o644)
	os.WriteFile(filepath.Join(os.Getenv("OUT"), "x.cdx.json"), inv.CycloneDX(s), 0o644)
}
