// Command bench measures the goals of this project and prints them as ratios
// to peers that do the same work in the same run: script/bench NAME.
//
// Runs of the things compared alternate, because the machine may be shared:
// what disturbs one disturbs the next. Printed are medians, of wall time and of
// processor time, and for the goals also the best runs.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// benches holds what can be measured, by name. Names with a dot are the parts
// of a bench that run in a process of their own.
var benches = map[string]func(args []string) error{
	"archive":         benchArchive,
	"archive.traffic": archiveTraffic,
	"capture":         benchCapture,
	"capture.bare":    bareRoot,
	"compare":         benchCompare,
	"compare.files":   compareFiles,
	"engines":         benchEngines,
	"figures":         benchFigures,
	"gateway":         benchGateway,
	"image":           benchImage,
	"image.build":     buildImage,
	"image.extract":   extractImage,
	"image.open":      openImage,
	"offline":         benchOffline,
	"registry":        benchRegistry,
	"sbom":            benchSBOM,
	"sbom.read":       readSBOM,
	"verify":          benchVerify,
	"verify.prepare":  prepareImages,
	"verify.sha256":   hashFile,
	"verify.check":    verifyFile,
	"verify.sign":     signFile,
	"run":             benchRun,
}

func main() {
	if len(os.Args) < 2 || benches[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: script/bench NAME [FLAG...], where NAME is one of:")
		for _, name := range slices.Sorted(maps.Keys(benches)) {
			if !strings.Contains(name, ".") {
				fmt.Fprintln(os.Stderr, "  "+name)
			}
		}
		os.Exit(2)
	}
	if err := benches[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
