package cli_test

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sylabs/sif/v2/pkg/sif"
)

// foreign makes a SIF file as other programs do, with one primary partition:
// foreign IMAGE SQUASHFS.
func foreign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: foreign IMAGE SQUASHFS")
	}
	f, err := os.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer f.Close()
	partition, err := sif.NewDescriptorInput(sif.DataPartition, f, sif.OptObjectName("rootfs"),
		sif.OptPartitionMetadata(sif.FsSquash, sif.PartPrimSys, "amd64"))
	ts.Check(err)
	im, err := sif.CreateContainerAtPath(ts.MkAbs(args[0]), sif.OptCreateWithDescriptors(partition))
	ts.Check(err)
	ts.Check(im.UnloadContainer())
}
