// Package spdx knows which licences and exceptions are on SPDX's list
// (https://spdx.org/licenses). The list ages with the program: what is not on
// it may be new, and is a reason to warn, never one to refuse.
package spdx

import (
	"strings"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"

	"repro/internal/form"
)

// Listed reports whether id, in SPDX's spelling, is a licence of the list,
// deprecated ones included. A plus for later versions may follow it.
func Listed(id string) bool {
	id = strings.TrimSuffix(id, "+")
	if active, spelled := spdxlicenses.IsActiveLicense(id); active {
		return spelled == id
	}
	deprecated, spelled := spdxlicenses.IsDeprecatedLicense(id)
	return deprecated && spelled == id
}

// ListedException reports whether id is an exception of the list.
func ListedException(id string) bool {
	known, spelled := spdxlicenses.IsException(id)
	return known && spelled == id
}

// others are names in wide use that are too far from the identifier.
var others = map[string]string{
	"gpl": "GPL-3.0-or-later", "gplv3": "GPL-3.0-only", "gplv2": "GPL-2.0-only", "bsd": "BSD-3-Clause", "apache": "Apache-2.0", "apache2": "Apache-2.0",
	"cc0": "CC0-1.0", "cc-by": "CC-BY-4.0", "ccby": "CC-BY-4.0", "cc-by-sa": "CC-BY-SA-4.0", "mpl": "MPL-2.0", "lgpl": "LGPL-3.0-or-later",
}

// Nearest returns the identifier that was probably meant by one that is not
// listed, or "".
func Nearest(id string) string {
	id = strings.TrimSuffix(id, "+")
	if _, spelled := spdxlicenses.IsActiveLicense(id); spelled != "" && spelled != id {
		return spelled
	}
	return form.Suggest(id, spdxlicenses.GetLicenses(), others)
}
