package capture

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/capture/observe"
	"repro/format/manifest"
)

func TestKnownDigests(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	now := time.Unix(1_000_000, 0)
	id := observe.Identity{Device: 1, Inode: 2, Size: 3, Modified: now.Add(-time.Hour).UnixNano(), Changed: now.Add(-time.Hour).UnixNano()}
	sum := manifest.DigestOf([]byte("abc"))
	young, copied, secret, unsteady := id, id, id, id
	young.Inode, young.Changed = 3, now.Add(-time.Second).UnixNano()
	copied.Inode, secret.Inode, unsteady.Inode = 4, 5, 6
	all := func(*wanted) bool { return true }
	none := func(*wanted) bool { return false }
	kept := func(k *knownDigests) (all []knownDigest) {
		k.each(func(d knownDigest) bool { all = append(all, d); return true })
		return all
	}
	k := openKnown()
	k.learn([]*wanted{
		{id: id, digest: sum, size: 3}, {id: young, digest: sum}, {id: copied, digest: sum, copy: true},
		{id: secret, digest: sum, head: []byte("-----BEGIN PRIVATE KEY-----")}, {id: unsteady, digest: sum, unsteady: true},
		{id: observe.Identity{Inode: 7}, digest: sum, err: os.ErrPermission}, {id: observe.Identity{Inode: 8}, digest: sum, token: "a token"},
	}, all, now)
	k.learn([]*wanted{{id: observe.Identity{Inode: 9}, digest: sum}}, none, now)
	k.save()
	k = openKnown()
	if got := kept(k); len(got) != 1 || got[0].id != id || manifest.DigestSum(got[0].sum) != sum {
		t.Fatalf("kept %v", got)
	}
	for _, change := range []func(*observe.Identity){
		func(i *observe.Identity) { i.Device++ }, func(i *observe.Identity) { i.Inode++ }, func(i *observe.Identity) { i.Size++ },
		func(i *observe.Identity) { i.Modified++ }, func(i *observe.Identity) { i.Changed++ },
	} {
		other := id
		change(&other)
		if left := k.fill([]*wanted{{id: other}}, all); len(left) != 1 {
			t.Errorf("%+v is taken for %+v", other, id)
		}
	}
	w := &wanted{id: id}
	if left := k.fill([]*wanted{w}, all); len(left) != 0 || w.digest != sum || w.size != 3 {
		t.Errorf("not known: %+v", w)
	}
	if left := k.fill([]*wanted{{id: id, copy: true}}, all); len(left) != 1 {
		t.Error("a copy is taken for its original")
	}
	if left := k.fill([]*wanted{{id: id}}, none); len(left) != 1 {
		t.Error("what may not be known is")
	}
	if err := os.WriteFile(k.file, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := kept(openKnown()); len(got) != 0 {
		t.Errorf("read %v from a file of another kind", got)
	}
}

// TestKnownDigestsAreMerged learns in an order that is none, twice: each file is
// found, and what was known of one that changed is gone.
func TestKnownDigestsAreMerged(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	now := time.Unix(1_000_000, 0)
	all := func(*wanted) bool { return true }
	file := func(inode uint64, changed int64) *wanted {
		id := observe.Identity{Device: inode % 2, Inode: inode, Size: int64(inode), Changed: changed}
		return &wanted{id: id, digest: manifest.DigestOf([]byte(fmt.Sprint(id)))}
	}
	learn := func(files ...*wanted) {
		k := openKnown()
		k.learn(files, all, now)
		k.save()
	}
	learn(file(7, 1), file(2, 1), file(9, 1), file(4, 1))
	learn(file(8, 1), file(2, 2), file(1, 1), file(11, 1))
	var asked []*wanted
	for _, inode := range []uint64{11, 3, 1, 2, 8, 4, 9, 7, 10} {
		w := file(inode, 1)
		if inode == 2 {
			w = file(2, 2)
		}
		asked = append(asked, &wanted{id: w.id})
	}
	asked = append(asked, &wanted{id: file(2, 1).id}) // as it was
	var unknown []uint64
	for _, w := range openKnown().fill(asked, all) {
		unknown = append(unknown, w.id.Inode)
		if w.digest != "" {
			t.Errorf("%+v: has a digest", w)
		}
	}
	slices.Sort(unknown)
	if want := []uint64{2, 3, 10}; !slices.Equal(unknown, want) {
		t.Errorf("unknown %v, want %v", unknown, want)
	}
	for _, w := range asked {
		if w.digest != "" && (w.digest != manifest.DigestOf([]byte(fmt.Sprint(w.id))) || w.size != w.id.Size) {
			t.Errorf("%+v: has another's digest", w)
		}
	}
}

// TestKnownOwners asks for owners twice: the second time no list is read, until
// the database has changed.
func TestKnownOwners(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	db := plant(t, map[string]string{"status": "Package: tool\nArchitecture: all\nVersion: 1\n", "info/tool.list": "/opt/tool\n"})
	age := func(d time.Duration) {
		t.Helper()
		for _, name := range []string{"/status", "/info"} {
			if err := os.Chtimes(db+name, time.Now().Add(-d), time.Now().Add(-d)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func(names ...string) map[string]string {
		o := &owners{wanted: map[string]string{}, packages: map[string]*Package{}}
		for _, name := range names {
			o.wanted[name] = ""
		}
		o.dpkg(db)
		return o.wanted
	}
	age(time.Hour)
	if ask("/opt/tool"); openOwners(db, nil).file != "" {
		t.Error("a database that was touched just now is remembered")
	}
	wait := settledOwners
	settledOwners = 0
	defer func() { settledOwners = wait }()
	if got := ask("/opt/tool", "/opt/none"); got["/opt/tool"] != "deb:tool:all" || got["/opt/none"] != "" {
		t.Errorf("first: %q", got)
	}
	known := openOwners(db, map[string]string{"/opt/tool": "", "/opt/none": "", "/opt/other": ""})
	if list, ok := known.lists["/opt/none"]; !ok || list != "" || known.lists["/opt/tool"] != db+"/info/tool.list" || len(known.lists) != 2 || known.packages[known.lists["/opt/tool"]].Version != "1" {
		t.Errorf("learnt %q", known.lists)
	}
	// A list that changes without dpkg is not read again; one that dpkg changes is.
	if err := os.WriteFile(db+"/info/tool.list", []byte("/opt/none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := ask("/opt/tool", "/opt/none"); got["/opt/tool"] != "deb:tool:all" || got["/opt/none"] != "" {
		t.Errorf("again: %q", got)
	}
	age(time.Minute)
	if got := ask("/opt/tool", "/opt/none"); got["/opt/tool"] != "" || got["/opt/none"] != "deb:tool:all" {
		t.Errorf("after a change: %q", got)
	}
	if other := openOwners(t.TempDir(), nil); other.state != ownersMagic && other.file != "" || len(other.lists) != 0 {
		t.Errorf("of a machine without dpkg: %+v", other)
	}
}

// TestKnownOwnersAreMerged learns of some files after others: all are known then.
func TestKnownOwnersAreMerged(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	wait := settledOwners
	settledOwners = 0
	defer func() { settledOwners = wait }()
	db := plant(t, map[string]string{"status": "", "info/a.list": ""})
	asked := map[string]string{}
	for _, learnt := range []string{"/d /b /f", "/c /a /g /b"} {
		for name := range strings.FieldsSeq(learnt) {
			asked[name] = ""
		}
		k := openOwners(db, asked)
		for name := range strings.FieldsSeq(learnt) {
			k.learn(name, "list of "+name)
		}
		k.learnPackage("list of "+learnt[:2], Package{Kind: "deb", Name: "p" + learnt[:2], Version: "1", Arch: "all"})
		k.save()
	}
	k := openOwners(db, asked)
	for name := range asked {
		if k.lists[name] != "list of "+name {
			t.Errorf("%s: %q", name, k.lists[name])
		}
	}
	if len(k.packages) != 2 || k.packages["list of /d"].Name != "p/d" || k.packages["list of /c"].Kind != "deb" {
		t.Errorf("packages %+v", k.packages)
	}
	var order []string
	k.each(func(string, Package) {}, func(name, _ string) { order = append(order, name) })
	if want := []string{"/a", "/b", "/c", "/d", "/f", "/g"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
}
