package format_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"repro/format"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "paper.sif")
	ctx := context.Background()
	if _, err := format.Create(ctx, name, sampleSpec()); err != nil {
		fmt.Println(err)
		return
	}

	im, err := format.Open(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer im.Close()
	if problems := im.Layout(); len(problems) > 0 {
		fmt.Println(problems)
		return
	}
	for _, o := range im.Objects()[:6] {
		fmt.Println(o.ID, o.Type, o.Name)
	}
	published, err := im.Published() // checked against the hash tree as it is read
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := fs.ReadFile(published, "result.txt")
	fmt.Printf("%s%v\n", b, err)
	// Output:
	// 1 json manifest.json
	// 2 generic repro.yaml
	// 3 json inspect-metadata.json
	// 4 partition environment
	// 5 generic environment.verity
	// 6 partition code
	// 0.3333
	// <nil>
}
