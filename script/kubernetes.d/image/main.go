// Command image writes an OCI archive of a folder: image FOLDER REF FILE ENTRYPOINT.
package main

import (
	"context"
	"log"
	"os"
	"runtime"
	"time"

	"repro/build/oci"
	"repro/format/tree"
)

func main() {
	root, err := tree.FromDir(os.Args[1], tree.DirOptions{})
	if err != nil {
		log.Fatal(err)
	}
	e := oci.Export{Layers: []*tree.Node{root}, Names: []string{"all"}, Ref: os.Args[2], Arch: runtime.GOARCH, Created: time.Unix(0, 0),
		Config: oci.Config{Entrypoint: os.Args[4:], WorkingDir: "/"}}
	if err := e.Archive(context.Background(), os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
