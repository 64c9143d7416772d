package compare

import (
	"bytes"
	"io"
)

// hdf5Start is how NetCDF 4 begins.
const hdf5Start = "\x89HDF\r\n\x1a\n"

// otherNetCDF says where one file is NetCDF 3 and the other NetCDF 4, which may
// hold the same (CMP-116): it can't be told here.
func (j *job) otherNetCDF() error {
	var is [2]bool // NetCDF 4
	for i, of := range []side{published, produced} {
		in, err := j.files[i].open(of)
		if err != nil {
			return err
		}
		start := make([]byte, len(hdf5Start))
		n, err := io.ReadFull(in, start)
		in.Close()
		if err != nil && n == 0 {
			return nil // what is wrong with it is said elsewhere
		}
		switch {
		case bytes.Equal(start[:n], []byte(hdf5Start)):
			is[i] = true
		case !bytes.HasPrefix(start[:n], []byte("CDF")):
			return nil
		}
	}
	if is[0] == is[1] {
		return nil
	}
	return &undecided{"one file is NetCDF 3 and the other NetCDF 4, which may hold the same: bring both to one version (nccopy -k nc4) and compare again"}
}
