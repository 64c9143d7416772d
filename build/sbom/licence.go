package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"repro/internal/pattern"
)

// known are SPDX identifiers that packages of today's distributions name. One
// that is not here is kept as a LicenseRef with the package's own words, so
// that a short list never makes a false statement.
var known = strings.Fields(`
0BSD AFL-2.1 AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0
Artistic-1.0 Artistic-1.0-Perl Artistic-2.0 BSD-1-Clause BSD-2-Clause
BSD-3-Clause BSD-3-Clause-LBNL BSD-4-Clause BSD-4-Clause-UC BSL-1.0
BlueOak-1.0.0 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0
CC0-1.0 CDDL-1.0 CECILL-2.1 CPL-1.0 curl ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.2 FSFAP
FSFUL FSFULLR FTL GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later
GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-only GPL-1.0-or-later GPL-2.0-only
GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND HPND-sell-variant ICU IJG
ISC Info-ZIP LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later
LGPL-3.0-only LGPL-3.0-or-later LPPL-1.3c Libpng MIT MIT-0 MIT-CMU MPL-1.1
MPL-2.0 MS-PL NCSA NTP OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PSF-2.0 PostgreSQL
Python-2.0 Ruby SGI-B-2.0 SMLNJ Sleepycat TCL TCP-wrappers Unicode-3.0
Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 Zlib zlib-acknowledgement ZPL-2.1
`)

// others maps what package managers write to SPDX, in lower case.
var others = map[string]string{
	"apache": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache-2": "Apache-2.0", "apache license 2.0": "Apache-2.0",
	"apache license, version 2.0": "Apache-2.0", "apache license version 2.0": "Apache-2.0", "apache software license": "Apache-2.0",
	"artistic-2": "Artistic-2.0", "artistic": "Artistic-1.0-Perl", "boost software license": "BSL-1.0",
	"bsd-2": "BSD-2-Clause", "bsd-3": "BSD-3-Clause", "bsd-4": "BSD-4-Clause",
	"bsd_2_clause": "BSD-2-Clause", "bsd_3_clause": "BSD-3-Clause", "bsd 3-clause": "BSD-3-Clause",
	"3-clause bsd": "BSD-3-Clause", "2-clause bsd": "BSD-2-Clause", "new bsd": "BSD-3-Clause",
	"cc0": "CC0-1.0", "cc-by-3": "CC-BY-3.0", "cc-by-4": "CC-BY-4.0", "cc-by-sa-3": "CC-BY-SA-3.0", "cc-by-sa-4": "CC-BY-SA-4.0",
	"expat": "MIT", "mit license": "MIT", "the mit license": "MIT", "mit license (mit)": "MIT", "isc license (iscl)": "ISC",
	"gfdl-1.1+": "GFDL-1.1-or-later", "gfdl-1.2+": "GFDL-1.2-or-later", "gfdl-1.2": "GFDL-1.2-only", "gfdl-1.3": "GFDL-1.3-only", "gfdl-1.3+": "GFDL-1.3-or-later",
	"gpl-1": "GPL-1.0-only", "gpl-1+": "GPL-1.0-or-later", "gpl-2": "GPL-2.0-only", "gpl-2+": "GPL-2.0-or-later", "gpl-3": "GPL-3.0-only", "gpl-3+": "GPL-3.0-or-later",
	"gpl-2.0": "GPL-2.0-only", "gpl-2.0+": "GPL-2.0-or-later", "gpl-3.0": "GPL-3.0-only", "gpl-3.0+": "GPL-3.0-or-later",
	"gpl (>= 2)": "GPL-2.0-or-later", "gpl (>= 3)": "GPL-3.0-or-later", "gpl (>= 2.0)": "GPL-2.0-or-later", "gpl (== 2)": "GPL-2.0-only", "gpl": "GPL-1.0-or-later",
	"lgpl-2": "LGPL-2.0-only", "lgpl-2+": "LGPL-2.0-or-later", "lgpl-2.0+": "LGPL-2.0-or-later", "lgpl-2.1": "LGPL-2.1-only", "lgpl-2.1+": "LGPL-2.1-or-later",
	"lgpl-3": "LGPL-3.0-only", "lgpl-3+": "LGPL-3.0-or-later", "lgpl-3.0+": "LGPL-3.0-or-later", "lgpl (>= 2)": "LGPL-2.0-or-later", "lgpl (>= 2.1)": "LGPL-2.1-or-later", "lgpl (>= 3)": "LGPL-3.0-or-later",
	"agpl-3": "AGPL-3.0-only", "agpl-3+": "AGPL-3.0-or-later",
	"mpl-1.1": "MPL-1.1", "mpl-2": "MPL-2.0", "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
	"psf": "PSF-2.0", "psf-2": "PSF-2.0", "python software foundation license": "PSF-2.0",
	"perl": "Artistic-1.0-Perl OR GPL-1.0-or-later", "the unlicense (unlicense)": "Unlicense", "zlib/libpng": "Zlib",
}

// byLower finds SPDX's spelling of an identifier.
var byLower = func() map[string]string {
	m := map[string]string{}
	for _, id := range known {
		m[strings.ToLower(id)] = id
	}
	return m
}()

// operators of licence expressions, also as Debian and R write them.
var (
	words    = pattern.New(`\(|\)|[^\s()]+`)
	debianOr = pattern.New(`\s+or\s+`)
	debianAn = pattern.New(`\s+and\s+|,\s+and\s+`)
)

// expression returns the SPDX expression of what a package calls its licence,
// and the names in it that SPDX has no identifier for, by their LicenseRef.
func expression(name string, refs map[string]string) string {
	name = oneLine(name)
	if id := lookup(name); id != "" {
		return id
	}
	if strings.Contains(name, " OR ") || strings.Contains(name, " AND ") || strings.HasPrefix(name, "(") {
		if e := parse(name); e != "" {
			return e
		}
	}
	for _, split := range []struct {
		parts    []string
		operator string
	}{
		{strings.Split(name, " | "), " OR "}, // R: alternatives
		{strings.Split(name, " + "), " AND "},
		{debianOr.Regexp().Split(name, -1), " OR "},
		{debianAn.Regexp().Split(name, -1), " AND "},
	} {
		if len(split.parts) > 1 && len(split.parts) <= 16 {
			var out []string
			for _, p := range split.parts {
				out = append(out, group(expression(strings.Trim(p, ", "), refs)))
			}
			return strings.Join(out, split.operator)
		}
	}
	return ref(name, refs)
}

// lookup returns the identifier or expression that a single name stands for.
func lookup(name string) string {
	lower := strings.ToLower(name)
	if id := byLower[lower]; id != "" {
		return id
	}
	return others[lower]
}

// parse takes an SPDX expression all of whose identifiers are known.
func parse(s string) string {
	var out []string
	depth, operand := 0, true
	for _, w := range words.Regexp().FindAllString(s, 256) {
		switch {
		case w == "(" && operand:
			depth++
		case w == ")" && !operand && depth > 0:
			depth--
		case (w == "AND" || w == "OR") && !operand:
			operand = true
		case operand && w != "(" && w != ")" && lookup(w) != "":
			w, operand = group(lookup(w)), false
		default:
			return ""
		}
		out = append(out, w)
	}
	if operand || depth != 0 {
		return ""
	}
	return strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(out, " "))
}

// ref makes a LicenseRef of words that are not SPDX's. Two names never share
// one.
func ref(name string, refs map[string]string) string {
	clean := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '.' {
			return c
		}
		return '-'
	}, name)
	clean = strings.Trim(clean[:min(len(clean), 40)], "-")
	if clean != name {
		sum := sha256.Sum256([]byte(name))
		clean = strings.TrimPrefix(clean+"-"+hex.EncodeToString(sum[:4]), "-")
	}
	id := "LicenseRef-" + clean
	refs[id] = name
	return id
}

// declared returns the expression of all licences that a package names, or
// nothing if it names none. SPEC.md, SBM-3.
func (p Package) declared(refs map[string]string) string {
	var all []string
	for _, name := range p.Licences {
		if name = oneLine(name); name == "" {
			continue
		}
		if e := expression(name, refs); !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	if len(all) > 1 {
		for i := range all {
			all[i] = group(all[i])
		}
	}
	return strings.Join(all, " AND ")
}

// group puts brackets around an expression with operators.
func group(e string) string {
	if strings.Contains(e, " ") {
		return "(" + e + ")"
	}
	return e
}
