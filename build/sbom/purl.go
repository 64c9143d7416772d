package sbom

import (
	"fmt"
	"net/url"
	"strings"
)

// URL returns the package URL (purl-spec) of p as found in a distribution.
func (p Package) URL(inv *Inventory) string {
	q := url.Values{}
	set := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	name := escape(p.Name)
	switch p.Kind {
	case Deb, APK, RPM:
		distro := inv.ID
		if distro == "" {
			distro = map[Kind]string{Deb: "debian", APK: "alpine", RPM: "redhat"}[p.Kind]
		}
		name = escape(strings.ToLower(distro)) + "/" + escape(strings.ToLower(p.Name))
		if p.Kind == RPM {
			name = escape(strings.ToLower(distro)) + "/" + escape(p.Name)
		}
		set("arch", p.Arch)
		if inv.ID != "" && inv.Version != "" {
			set("distro", inv.ID+"-"+inv.Version)
		}
		if p.Source != p.Name {
			set("upstream", p.Source)
		}
	case Conda:
		set("build", p.Build)
		set("channel", strings.TrimSuffix(p.Channel, "/"))
		set("subdir", p.Arch)
	case Julia:
		set("uuid", p.UUID)
	case Go, Node:
		var parts []string
		for part := range strings.SplitSeq(p.Name, "/") {
			parts = append(parts, escape(part))
		}
		name = strings.Join(parts, "/")
	}
	s := "pkg:" + string(p.Kind) + "/" + name
	if p.Version != "" {
		s += "@" + escape(p.Version)
	}
	if len(q) > 0 {
		s += "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	}
	return s
}

// escape percent-encodes all bytes but those that purl-spec leaves as they are:
// letters, digits, ".-_~" and the colon.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(".-_~:", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
