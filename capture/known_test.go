package capture

import (
	"os"
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
	k := openKnown()
	k.learn([]*wanted{
		{id: id, digest: sum, size: 3}, {id: young, digest: sum}, {id: copied, digest: sum, copy: true},
		{id: secret, digest: sum, head: []byte("-----BEGIN PRIVATE KEY-----")}, {id: unsteady, digest: sum, unsteady: true},
		{id: observe.Identity{Inode: 7}, digest: sum, err: os.ErrPermission},
	}, now)
	k.save()
	k = openKnown()
	if len(k.digests) != 1 || manifest.DigestSum(k.digests[id]) != sum {
		t.Fatalf("kept %v", k.digests)
	}
	all := func(*wanted) bool { return true }
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
	if left := k.fill([]*wanted{{id: id}}, func(*wanted) bool { return false }); len(left) != 1 {
		t.Error("what may not be known is")
	}
	if err := os.WriteFile(k.file, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if k = openKnown(); len(k.digests) != 0 {
		t.Errorf("read %v from a file of another kind", k.digests)
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
	if ask("/opt/tool"); openOwners(db).file != "" {
		t.Error("a database that was touched just now is remembered")
	}
	wait := settledOwners
	settledOwners = 0
	defer func() { settledOwners = wait }()
	if got := ask("/opt/tool", "/opt/none"); got["/opt/tool"] != "deb:tool:all" || got["/opt/none"] != "" {
		t.Errorf("first: %q", got)
	}
	known := openOwners(db)
	if list, ok := known.lists["/opt/none"]; !ok || list != "" || known.lists["/opt/tool"] != db+"/info/tool.list" || len(known.lists) != 2 {
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
	if other := openOwners(t.TempDir()); other.state != ownersMagic && other.file != "" || len(other.lists) != 0 {
		t.Errorf("of a machine without dpkg: %+v", other)
	}
}
