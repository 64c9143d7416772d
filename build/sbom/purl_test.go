package sbom

import (
	"strings"
	"testing"

	"github.com/package-url/packageurl-go"
)

// TestURL holds package URLs to what purl-spec asks of each type, and to the
// reference library: it reads the parts back and writes the same text.
func TestURL(t *testing.T) {
	debian := &Inventory{ID: "debian", Version: "13"}
	for _, c := range []struct {
		p    Package
		inv  *Inventory
		want string
		name string // that the library reads, with its namespace
	}{
		{Package{Kind: Deb, Name: "libstdc++6", Version: "14.2.0-19", Arch: "amd64", Source: "gcc-14"}, debian,
			"pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13&upstream=gcc-14", "debian/libstdc++6"},
		{Package{Kind: Deb, Name: "bash", Version: "1:5.2~rc1+b2", Source: "bash"}, &Inventory{}, "pkg:deb/debian/bash@1:5.2~rc1%2Bb2", "debian/bash"},
		{Package{Kind: Deb, Name: "Sum-CLI", Version: "1.0", Source: "Sum-CLI"}, &Inventory{ID: "Ubuntu"}, "pkg:deb/ubuntu/sum-cli@1.0", "ubuntu/sum-cli"},
		{Package{Kind: APK, Name: "musl", Version: "1.2.4-r2", Arch: "x86_64", Source: "musl"}, &Inventory{ID: "alpine", Version: "3.19.1"},
			"pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1", "alpine/musl"},
		{Package{Kind: RPM, Name: "EternalTerminal", Version: "6.2.0-1", Source: "EternalTerminal"}, &Inventory{ID: "fedora", Version: "40"},
			"pkg:rpm/fedora/EternalTerminal@6.2.0-1?distro=fedora-40", "fedora/EternalTerminal"},
		{Package{Kind: Python, Name: "numpy", Version: "2.1.0+local"}, debian, "pkg:pypi/numpy@2.1.0%2Blocal", "numpy"},
		{Package{Kind: Node, Name: "@angular/animation", Version: "12.3.1"}, debian, "pkg:npm/%40angular/animation@12.3.1", "@angular/animation"},
		{Package{Kind: Go, Name: "github.com/ulikunitz/xz", Version: "v0.5.12"}, debian, "pkg:golang/github.com/ulikunitz/xz@v0.5.12", "github.com/ulikunitz/xz"},
		{Package{Kind: R, Name: "data.table", Version: "1.15.4"}, debian, "pkg:cran/data.table@1.15.4", "data.table"},
		{Package{Kind: Conda, Name: "absl-py", Version: "0.4.1", Build: "py36h06a4308_0", Channel: "main", Arch: "linux-64"}, debian,
			"pkg:conda/absl-py@0.4.1?build=py36h06a4308_0&channel=main&subdir=linux-64", "absl-py"},
		{Package{Kind: Conda, Name: "zlib", Version: "1!2.0", Channel: "https://conda.anaconda.org/conda-forge/"}, debian,
			"pkg:conda/zlib@1%212.0?channel=https%3A%2F%2Fconda.anaconda.org%2Fconda-forge", "zlib"},
		{Package{Kind: Python, Name: "größe", Version: "1"}, debian, "pkg:pypi/gr%C3%B6%C3%9Fe@1", "größe"},
		{Package{Kind: Julia, Name: "AWS", Version: "1.92.0", UUID: "fbe9abb3-538b-5e4e-ba9e-bc94f4f92ebc"}, debian,
			"pkg:julia/AWS@1.92.0?uuid=fbe9abb3-538b-5e4e-ba9e-bc94f4f92ebc", "AWS"},
		{Package{Kind: Python, Name: "a b%c?d#e&f", Version: "1 2"}, debian, "pkg:pypi/a%20b%25c%3Fd%23e%26f@1%202", ""},
	} {
		got := c.p.URL(c.inv)
		if got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
		read, err := packageurl.FromString(got)
		if err != nil {
			t.Errorf("%s: the library refuses it: %v", got, err)
			continue
		}
		name := read.Name
		if read.Namespace != "" {
			name = read.Namespace + "/" + name
		}
		if c.name != "" && (name != c.name || read.Version != c.p.Version) {
			t.Errorf("%s is read as %s of version %s", got, name, read.Version)
		}
		// The colon of a channel's address is encoded here, and in images that
		// were built, though it need not be: both read the same.
		if again := strings.ReplaceAll(read.ToString(), "channel=https:", "channel=https%3A"); again != got {
			t.Errorf("%s is written %s by the library", got, again)
		}
		if channel := read.Qualifiers.Map()["channel"]; channel != strings.TrimSuffix(c.p.Channel, "/") {
			t.Errorf("%s: the channel is read as %q", got, channel)
		}
	}
}
