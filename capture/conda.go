package capture

import "encoding/json"

// condaPackage reads a record of conda-meta.
func condaPackage(meta string) (p Package, owned map[string]bool) {
	var doc struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		Subdir  string   `json:"subdir"`
		Files   []string `json:"files"`
	}
	if json.Unmarshal(readSome(meta, maxDatabase), &doc) != nil {
		return p, nil
	}
	owned = map[string]bool{}
	for _, f := range doc.Files {
		owned[f] = true
	}
	return Package{Kind: "conda", Name: doc.Name, Version: doc.Version, Arch: doc.Subdir}, owned
}
