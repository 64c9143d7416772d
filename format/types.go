package format

import (
	"fmt"

	"github.com/sylabs/sif/v2/pkg/sif"
)

// DataType says what kind of object a descriptor names.
type DataType int32

// The data types of SIF, as the reference implementation numbers them.
const (
	dataDefinition    = DataType(sif.DataDeffile)
	dataEnvironment   = DataType(sif.DataEnvVar)
	dataLabels        = DataType(sif.DataLabels)
	dataPartition     = DataType(sif.DataPartition)
	DataSignature     = DataType(sif.DataSignature)
	dataGenericJSON   = DataType(sif.DataGenericJSON)
	dataGeneric       = DataType(sif.DataGeneric)
	dataCryptoMessage = DataType(sif.DataCryptoMessage)
	dataSBOM          = DataType(sif.DataSBOM)
	dataOCIRootIndex  = DataType(sif.DataOCIRootIndex)
	dataOCIBlob       = DataType(sif.DataOCIBlob)
)

var dataTypes = map[DataType]string{
	dataDefinition:    "definition",
	dataEnvironment:   "environment variables",
	dataLabels:        "labels",
	dataPartition:     "partition",
	DataSignature:     "signature",
	dataGenericJSON:   "json",
	dataGeneric:       "generic",
	dataCryptoMessage: "cryptographic message",
	dataSBOM:          "sbom",
	dataOCIRootIndex:  "oci index",
	dataOCIBlob:       "oci blob",
}

func (t DataType) String() string { return nameOf(dataTypes, t) }

// FSType says which filesystem a partition holds.
type FSType int32

// The filesystems of SIF partitions.
const (
	FSSquash          = FSType(sif.FsSquash)
	fsExt3            = FSType(sif.FsExt3)
	fsArchive         = FSType(sif.FsImmuObj)
	fsRaw             = FSType(sif.FsRaw)
	fsEncryptedSquash = FSType(sif.FsEncryptedSquashfs)
	fsGocryptfsSquash = FSType(6) // Apptainer only
)

var fsTypes = map[FSType]string{
	FSSquash:          "squashfs",
	fsExt3:            "ext3",
	fsArchive:         "archive",
	fsRaw:             "raw",
	fsEncryptedSquash: "encrypted squashfs",
	fsGocryptfsSquash: "gocryptfs squashfs",
}

func (t FSType) String() string { return nameOf(fsTypes, t) }

// PartType says what a partition is for.
type PartType int32

// The partition types of SIF.
const (
	partSystem  = PartType(sif.PartSystem)
	PartPrimary = PartType(sif.PartPrimSys) // the root that a container starts from; one an image
	partData    = PartType(sif.PartData)
	PartOverlay = PartType(sif.PartOverlay) // put on top of the primary one, the last slot on top
)

var partTypes = map[PartType]string{
	partSystem:  "system",
	PartPrimary: "primary system",
	partData:    "data",
	PartOverlay: "overlay",
}

func (t PartType) String() string { return nameOf(partTypes, t) }

// HashType says which hash function a signature used.
type HashType int32

// The hash functions of SIF signatures.
const (
	HashSHA256 HashType = 1 + iota
	HashSHA384
	HashSHA512
	hashBLAKE2s
	hashBLAKE2b
)

var hashTypes = map[HashType]string{
	HashSHA256:  "sha256",
	HashSHA384:  "sha384",
	HashSHA512:  "sha512",
	hashBLAKE2s: "blake2s",
	hashBLAKE2b: "blake2b",
}

func (t HashType) String() string { return nameOf(hashTypes, t) }

func nameOf[T ~int32](names map[T]string, t T) string {
	if s, ok := names[t]; ok {
		return s
	}
	return fmt.Sprintf("unknown %#x", int32(t))
}

// arches holds Go's names of processor architectures in the order of their
// SIF codes, from 01.
var arches = []string{
	"386", "amd64", "arm", "arm64", "ppc64", "ppc64le", "mips", "mipsle",
	"mips64", "mips64le", "s390x", "riscv64", "loong64",
}

// archCode returns the SIF code of an architecture; that of an unknown one is
// 00.
func archCode(goarch string) (code [3]byte) {
	nr := 0
	for i, a := range arches {
		if a == goarch {
			nr = i + 1
		}
	}
	return [3]byte{'0' + byte(nr/10), '0' + byte(nr%10), 0}
}

// archName returns Go's name of the architecture with the given SIF code, or
// "unknown".
func archName(code [3]byte) string {
	for _, a := range arches {
		if archCode(a) == code {
			return a
		}
	}
	return "unknown"
}
