package repository

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/archive"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/publish/repository/repositorytest"
)

const recipeText = `repro: 1
title: A sample
authors: [{name: Ada Author, email: ada@example.org}]
licence: MIT
abstract: What was done.
date: 2026-11-23
environment: {host: [sh]}
steps: [{name: run, command: [sh]}]
`

// newImage writes an image whose environment has n bytes.
func newImage(t testing.TB, n int) *format.Image {
	t.Helper()
	root := func(path string, content []byte) *tree.Node {
		dir := tree.NewDir()
		if err := dir.Put(path, tree.NewFile(0o644, content)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	noise := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(noise)
	name := filepath.Join(t.TempDir(), "paper.sif")
	_, err := format.Create(t.Context(), name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "host"},
			Paper: manifest.Paper{
				Title: "A sample", Authors: []manifest.Author{{Name: "Ada Author", Email: "ada@example.org"}}, Date: "2026-11-23T12:00:00Z",
				Licence: "MIT", Abstract: "What was done.",
			},
			Steps:   []manifest.Step{{Name: "run", Command: []string{"sh"}, Dir: "/paper"}},
			Results: []manifest.Result{},
		},
		Recipe:  []byte(recipeText),
		Inspect: []byte(`{"data":{"attributes":{}},"type":"container"}` + "\n"),
		Layers: []format.LayerSpec{
			{Name: "environment", Role: manifest.RoleLayer, Tree: root("bin/sh", noise)},
			{Name: "code", Role: manifest.RoleLayer, Tree: root("paper/a.py", []byte("print(1)\n"))},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

func options(t testing.TB, target *Target, server string) Options {
	return Options{
		Target: target, Server: server, Token: repositorytest.Token, Archive: archive.Options{Unsigned: true, Workers: 1},
		State: filepath.Join(t.TempDir(), "state.json"), pause: 200 * time.Microsecond,
	}
}

// serve puts a network in front of a fake.
func serve(t testing.TB, s repositorytest.Server) (*repositorytest.Network, string) {
	n := repositorytest.NewNetwork(s)
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	return n, server.URL
}

// fakes are the targets with their fakes.
var fakes = map[string]struct {
	target     *Target
	collection string
	make       func() repositorytest.Server
}{
	"invenio":   {invenioTarget, "", func() repositorytest.Server { return repositorytest.NewInvenio() }},
	"osf":       {osfTarget, "", func() repositorytest.Server { return repositorytest.NewOSF() }},
	"figshare":  {figshareTarget, "", func() repositorytest.Server { return repositorytest.NewFigshare() }},
	"heritage":  {heritageTarget, "lab", func() repositorytest.Server { return repositorytest.NewHeritage() }},
	"dataverse": {dataverseTarget, "lab", func() repositorytest.Server { return repositorytest.NewDataverse() }},
}

// TestDeposit sends one to each fake, without faults.
func TestDeposit(t *testing.T) {
	im := newImage(t, 20000)
	for name, f := range fakes {
		t.Run(name, func(t *testing.T) {
			a := f.make()
			net, url := serve(t, a)
			o := options(t, f.target, url)
			o.Collection = f.collection
			rep, err := Deposit(t.Context(), im, o)
			if err != nil {
				t.Fatal(err)
			}
			if rep.State != Draft || rep.Record == "" || rep.Sent == 0 {
				t.Errorf("%+v", rep)
			}
			right(t, a, im, rep, false)
			requests := net.Requests
			again, err := Deposit(t.Context(), im, o)
			if resends := f.target == heritageTarget; err != nil || again.Sent != 0 && !resends || again.Record != rep.Record || net.Requests-requests > requests {
				t.Errorf("again: %+v, %v; %d requests after %d", again, err, net.Requests-requests, requests)
			}
			o.Publish = true
			published, err := Deposit(t.Context(), im, o)
			if err != nil || published.State != Published || published.Sent != 0 && f.target != heritageTarget {
				t.Fatalf("publish: %+v, %v", published, err)
			}
			right(t, a, im, rep, true)
			if third, err := Deposit(t.Context(), im, o); err != nil || third.State != Published {
				t.Errorf("once more: %+v, %v", third, err)
			}
			right(t, a, im, rep, true)
			state, err := os.ReadFile(o.State)
			if err != nil || strings.Contains(string(state), "secret") {
				t.Errorf("state %s, %v", state, err)
			}
		})
	}
}

// right holds what the account has against the deposit: one record, published once
// if it was to be, with all files and no others, whose pages name the DOI.
func right(t testing.TB, a repositorytest.Server, im *format.Image, rep *Report, published bool) {
	t.Helper()
	records, times, files, doi := a.Holds()
	want := 0
	if published {
		want = 1
	}
	if records != 1 || times != want {
		t.Fatalf("%d records, published %d times; want 1 and %d", records, times, want)
	}
	want = len(rep.Files)
	if rep.Target == heritageTarget.Name { // lists no files: a run that finds all done cannot say
		want = 1
	}
	if len(files) != want {
		t.Fatalf("%d files there, %d reported", len(files), len(rep.Files))
	}
	image := make([]byte, im.Size())
	if _, err := im.Bytes().ReadAt(image, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	for name, content := range files {
		switch {
		case strings.HasSuffix(name, ".sif"):
			if !bytes.Equal(content, image) {
				t.Errorf("%s is another file", name)
			}
		case strings.HasSuffix(name, ".tar"):
			inTar(t, content, doi)
		case name == "ro-crate-metadata.json":
			if !json.Valid(content) || doi != "" && !bytes.Contains(content, []byte(doi)) {
				t.Errorf("%s: does not name %s", name, doi)
			}
		}
	}
}

// inTar reads the archive to its end.
func inTar(t testing.TB, content []byte, doi string) {
	t.Helper()
	found := false
	for r := tar.NewReader(bytes.NewReader(content)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, "/data/CITATION.cff") {
			found = doi == "" || bytes.Contains(b, []byte(doi))
		}
		if strings.HasSuffix(h.Name, ".sif") {
			t.Errorf("%s: the image is sent twice", h.Name)
		}
	}
	if !found {
		t.Errorf("the archive does not name the DOI %q", doi)
	}
}

// TestFaults is the goal: with faults at random places, the program killed in
// between and started again, there is one record, no file is lost or wrong, and
// nothing is published that was not to be.
func TestFaults(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 20
	}
	im := newImage(t, 20000)
	for name, f := range fakes {
		t.Run(name, func(t *testing.T) {
			for seed := range rounds {
				r := rand.New(rand.NewPCG(uint64(seed), 5))
				publish := seed%2 == 1
				a := f.make()
				if fake, ok := a.(*repositorytest.Invenio); ok {
					fake.Hidden = r.IntN(3)
				}
				net, url := serve(t, a)
				o := options(t, f.target, url)
				o.Collection, o.Publish = f.collection, publish
				for range 1 + r.IntN(8) {
					net.Faults[r.IntN(60)] = repositorytest.AllFaults[r.IntN(len(repositorytest.AllFaults))]
				}
				rep, runs, log := untilDone(t, net, a, im, o, r)
				if rep == nil {
					t.Fatalf("seed %d: not done after %d runs: %s", seed, runs, strings.Join(log, "\n"))
				}
				defer func() {
					if t.Failed() {
						t.Logf("seed %d, faults %v\n%s\n%s", seed, net.Faults, strings.Join(log, "\n"), strings.Join(net.Seen, "\n"))
					}
				}()
				right(t, a, im, rep, publish)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// untilDone is a user who types the command again after each failure.
func untilDone(t testing.TB, net *repositorytest.Network, a repositorytest.Server, im *format.Image, o Options, r *rand.Rand) (rep *Report, runs int, log []string) {
	for runs = range 60 {
		ctx, kill := context.WithCancel(t.Context())
		if r.IntN(3) == 0 {
			at := net.Requests + r.IntN(20)
			net.Before = func(n int) {
				if n == at {
					kill()
				}
			}
		}
		rep, err := Deposit(ctx, im, o)
		kill()
		net.Lock()
		net.Before = nil
		net.Unlock()
		if err == nil {
			return rep, runs, log
		}
		log = append(log, fmt.Sprintf("after %d requests: %v", net.Requests, err))
		if errors.Is(err, ErrToken) {
			net.Lock()
			net.Expired = false
			net.Unlock()
			o.Token = fmt.Sprintf("secret-%d", runs+2)
			a.Renew(o.Token)
		}
	}
	return nil, runs, log
}
