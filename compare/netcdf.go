package compare

import (
	"context"
	"slices"
	"strings"

	"repro/internal/ndarray"
	"repro/internal/netcdf"
)

const kindNetCDF = "netcdf"

func init() {
	arrays := &arrayKind{
		kind: kindNetCDF,
		read: whole(ndarray.MaxData, readNetCDF),
		same: "the same variables; only their order or what the file says of its making differs",
	}
	comparers[kindNetCDF] = func(ctx context.Context, j *job) error {
		if done, err := j.acrossNetCDF(ctx); done || err != nil {
			return err
		}
		return arrays.compare(ctx, j)
	}
}

// netcdfNotes are attributes that say when and how a file was written.
var netcdfNotes = []string{"history", "date_created", "date_modified", "creation_date", "NCO", "CDO", "uuid", "tracking_id"}

// dimensionsOf stands behind a variable's name in that of the list of its
// dimensions.
const dimensionsOf = " dimensions"

// readNetCDF reads the variables and attributes that carry something (CMP-116).
func readNetCDF(b []byte) ([]ndarray.Array, error) {
	f, err := netcdf.Read(b)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(f.Attributes, func(a ndarray.Array) bool {
		return slices.Contains(netcdfNotes, a.Name[strings.LastIndexByte(a.Name, '@')+1:])
	})
	for _, d := range f.Dimensions {
		kept = append(kept, ndarray.Array{Name: d.Variable + dimensionsOf, Class: ndarray.Text, Shape: []int{len(d.Names)}, Texts: d.Names})
	}
	return append(kept, f.Variables...), nil
}
