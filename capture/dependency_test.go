package capture

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestDependencies follows what packages ask for, through kinds of them, and no
// further than what is installed.
func TestDependencies(t *testing.T) {
	dir := plant(t, map[string]string{
		"dpkg/status": "Package: tool\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nPre-Depends: libpre\nDepends: absent | liba (>= 2), mail-agent, libold, libnone\n\n" +
			"Package: liba\nStatus: install ok installed\nVersion: 2\nArchitecture: amd64\nDepends: tool:any, libdeep\n\n" +
			"Package: libdeep\nStatus: install ok installed\nVersion: 3\nArchitecture: amd64\n\n" +
			"Package: libpre\nStatus: install ok installed\nVersion: 4\nArchitecture: all\n\n" +
			"Package: exim\nStatus: install ok installed\nVersion: 5\nArchitecture: all\nProvides: mail-agent (= 1), other\n\n" +
			"Package: libold\nStatus: deinstall ok config-files\nVersion: 6\nArchitecture: all\n\n" +
			"Package: unasked\nStatus: install ok installed\nVersion: 7\nArchitecture: all\n",
		"dpkg/info/liba:amd64.list": "/lib/a\n",
		"dpkg/info/libpre.list":     "/lib/pre\n",

		"site/num-1.dist-info/METADATA":         "Name: num\nVersion: 1\nRequires-Dist: Dep.One>=1\nRequires-Dist: lib; extra == 'test'\nRequires-Dist: gone\n",
		"site/dep_one-2.dist-info/METADATA":     "Name: Dep.One\nVersion: 2\nRequires-Dist: old\n",
		"site/dep_one-2.dist-info/RECORD":       "dep/x.py,,\n",
		"site/lib-3.dist-info/METADATA":         "Name: lib\nVersion: 3\n",
		"second/old-4.egg-info/PKG-INFO":        "Name: old\nVersion: 4\n",
		"second/old-4.egg-info/requires.txt":    "num\n",
		"prefix/conda-meta/py-3.1-h1.json":      `{"name": "py", "version": "3.1", "depends": ["zlib >=1.2", "zlib-ng", "ssl"]}`,
		"prefix/conda-meta/zlib-1.3-h2.json":    `{"name": "zlib", "version": "1.3"}`,
		"prefix/conda-meta/zlib-ng-2-h3.json":   `{"name": "zlib-ng", "version": "2", "depends": ["py"]}`,
		"prefix/conda-meta/unasked-1-h4.json":   `{"name": "unasked", "version": "1"}`,
		"library/knit/DESCRIPTION":              "Package: knit\nVersion: 1\nDepends: R (>= 3.5)\nImports: evalu (>= 0.1),\n    xf\nSuggests: unasked\nBuilt: R 4\n",
		"library/evalu/DESCRIPTION":             "Package: evalu\nVersion: 2\nBuilt: R 4\n",
		"site-library/xf/DESCRIPTION":           "Package: xf\nVersion: 3\nLinkingTo: knit\nBuilt: R 4\n",
		"library/unasked/DESCRIPTION":           "Package: unasked\nVersion: 4\nBuilt: R 4\n",
		"site-library/other/DESCRIPTION":        "Package: other\nVersion: 5\nBuilt: R 4\n",
		"prefix/conda-meta/broken-1-h5.json":    `{`,
		"second/unasked-1.dist-info/METADATA":   "Name: unasked\nVersion: 1\n",
		"second/another-1.dist-info/METADATA":   "Name: another\nVersion: 1\n",
		"prefix/conda-meta/history":             "",
		"library/notinstalled/DESCRIPTION":      "Package: notinstalled\n",
		"dpkg/info/unasked.list":                "/lib/unasked\n",
		"site/unasked-9.dist-info/METADATA":     "Name: unasked\nVersion: 9\n",
		"prefix/conda-meta/zlib-tools-1-h.json": `{"name": "zlib-tools", "version": "1"}`,
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	found := withDependencies([]Package{
		{Kind: "deb", Name: "tool", Version: "1", Arch: "amd64", Where: at("dpkg"), Records: []string{at("dpkg/info/tool.list")}},
		{Kind: "pypi", Name: "num", Version: "1", Where: at("site"), Records: []string{at("site/num-1.dist-info/METADATA")}},
		{Kind: "pypi", Name: "another", Version: "1", Where: at("second"), Records: []string{at("second/another-1.dist-info/METADATA")}},
		{Kind: "conda", Name: "py", Version: "3.1", Where: at("prefix"), Records: []string{at("prefix/conda-meta/py-3.1-h1.json")}},
		{Kind: "cran", Name: "knit", Version: "1", Where: at("library"), Records: []string{at("library/knit/DESCRIPTION")}},
		{Kind: "cran", Name: "other", Version: "5", Where: at("site-library"), Records: []string{at("site-library/other/DESCRIPTION")}},
		{Kind: "rpm", Name: "bash", Version: "5", Where: "/var/lib/rpm"},
	})
	var got []string
	records := map[string][]string{}
	for _, p := range found {
		got = append(got, p.Kind+" "+p.Name+" "+p.Version)
		records[p.Kind+" "+p.Name] = p.Records
	}
	slices.Sort(got)
	want := []string{
		"conda py 3.1", "conda zlib 1.3", "conda zlib-ng 2", "cran evalu 2", "cran knit 1", "cran other 5", "cran xf 3",
		"deb exim 5", "deb liba 2", "deb libdeep 3", "deb libpre 4", "deb tool 1",
		"pypi Dep.One 2", "pypi another 1", "pypi num 1", "pypi old 4", "rpm bash 5",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for name, want := range map[string][]string{
		"deb liba": {at("dpkg/info/liba:amd64.list")}, "deb libpre": {at("dpkg/info/libpre.list")}, "deb exim": nil,
		"pypi Dep.One": {at("site/dep_one-2.dist-info/METADATA"), at("site/dep_one-2.dist-info/RECORD")},
		"conda zlib":   {at("prefix/conda-meta/zlib-1.3-h2.json")}, "cran xf": {at("site-library/xf/DESCRIPTION")},
	} {
		if !slices.Equal(records[name], want) {
			t.Errorf("%s: records %q, want %q", name, records[name], want)
		}
	}
}
