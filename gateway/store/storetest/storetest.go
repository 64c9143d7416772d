// Package storetest starts servers of databases for tests.
package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program finds a program of Debian's PostgreSQL.
func program(t testing.TB, name string) string {
	t.Helper()
	if at, err := exec.LookPath(name); err == nil {
		return at
	}
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(all) == 0 {
		t.Skipf("needs %s of PostgreSQL", name)
	}
	return all[len(all)-1]
}

// StartPostgres starts a server of its own and returns the address of an empty
// database. It does not run as root: then the user postgres runs it.
func StartPostgres(t testing.TB) string {
	t.Helper()
	initdb, server, ready := program(t, "initdb"), program(t, "postgres"), program(t, "pg_isready")
	dir, err := os.MkdirTemp("", "pg") // a socket has a short name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := asPostgres(t, dir)
	data := filepath.Join(dir, "data")
	create := exec.Command(initdb, "-D", data, "-U", "gateway", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
	create.SysProcAttr, create.Dir = as, dir
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	run := exec.Command(server, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	run.SysProcAttr, run.Dir = as, dir
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Process.Signal(os.Interrupt); run.Wait() })
	for range 300 {
		if exec.Command(ready, "-q", "-h", dir).Run() == nil {
			return fmt.Sprintf("postgres://gateway@/postgres?host=%s", dir)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the server does not start")
	return ""
}
