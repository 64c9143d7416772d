package compare

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"repro/internal/hdf5"
	"repro/internal/ndarray"
)

// hdf5Start is how NetCDF 4 begins.
const hdf5Start = "\x89HDF\r\n\x1a\n"

// acrossNetCDF compares by content where one file is NetCDF 3 and the other
// NetCDF 4 (CMP-116a); done is false where they are not.
func (j *job) acrossNetCDF(ctx context.Context) (done bool, err error) {
	var four [2]bool
	for i, of := range []side{published, produced} {
		var is bool
		if four[i], is, err = j.netcdfVersion(i, of); err != nil || !is {
			return false, err
		}
	}
	if four[0] == four[1] {
		return false, nil
	}
	var lists [2][]ndarray.Array
	for i, of := range []side{published, produced} {
		in, err := j.files[i].open(of)
		if err != nil {
			return true, err
		}
		defer in.Close()
		kind := kindNetCDF
		if four[i] {
			kind = kindHDF5
			lists[i], err = classic(ctx, in)
		} else if lists[i], err = whole(ndarray.MaxData, readNetCDF)(in); err == nil {
			lists[i] = withTexts(lists[i])
		}
		if err != nil {
			return true, outside(err, of, kind)
		}
	}
	j.sameContent = "the same variables and attributes, in another version of NetCDF"
	return true, j.compareArrays(ctx, lists[0], lists[1])
}

// netcdfVersion looks at how a file begins; is says whether it is one of the two.
func (j *job) netcdfVersion(i int, of side) (four, is bool, err error) {
	in, err := j.files[i].open(of)
	if err != nil {
		return false, false, err
	}
	defer in.Close()
	start := make([]byte, len(hdf5Start))
	n, _ := io.ReadFull(in, start) // what is wrong with it is said elsewhere
	four = string(start[:n]) == hdf5Start
	return four, four || bytes.HasPrefix(start[:n], []byte("CDF")), nil
}

// Attributes by which NetCDF 4 keeps the dimensions of NetCDF 3 in HDF5, and the
// name that it gives to a dimension that is no variable.
var netcdfInternal = []string{"DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Coordinates", "_Netcdf4Dimid", "_nc3_strict"}

const noVariable = "This is a netCDF dimension but not a netCDF variable."

// classic reads NetCDF 4 as the variables and attributes that NetCDF 3 would
// hold. What that has not keeps its name, and so is a difference.
func classic(ctx context.Context, in *opened) ([]ndarray.Array, error) {
	at, size, err := in.anywhere()
	if err != nil {
		return nil, err
	}
	f, err := hdf5.Open(at, size)
	if err != nil {
		return nil, err
	}
	nodes, err := f.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var all []ndarray.Array
	bytes := 0
	for _, n := range withoutNotes(nodes) {
		if n.Name == "/" {
			continue
		}
		if n.Sort != hdf5.Dataset && n.Sort != hdf5.Attribute {
			return nil, &undecided{"the file of NetCDF 4 holds a " + n.Sort + ", which NetCDF 3 has not"}
		}
		read, err := n.Read(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range read {
			if bytes += len(a.Data); bytes > ndarray.MaxData {
				return nil, &undecided{"one file is NetCDF 3 and the other NetCDF 4, and they are too large to be held against each other: bring both to one version (nccopy -k nc4)"}
			}
			a.Name = strings.TrimPrefix(a.Name, "/")
			all = append(all, a)
		}
	}
	return withoutScales(all), nil
}

// withoutScales takes out what keeps the dimensions, but for their names.
func withoutScales(all []ndarray.Array) []ndarray.Array {
	scale, alone := map[string]bool{}, map[string]bool{}
	for _, a := range all {
		of, name, is := strings.Cut(a.Name, "@")
		if is && len(a.Texts) == 1 && name == "CLASS" && a.Texts[0] == "DIMENSION_SCALE" {
			scale[of] = true
		}
	}
	for _, a := range all {
		of, name, is := strings.Cut(a.Name, "@")
		if is && scale[of] && name == "NAME" && len(a.Texts) == 1 && strings.HasPrefix(a.Texts[0], noVariable) {
			alone[of] = true
		}
	}
	var out []ndarray.Array
	for _, a := range all {
		of, name, is := strings.Cut(a.Name, "@")
		if name == "DIMENSION_LIST values" {
			a.Name, a.Type = of+dimensionsOf, ""
			for i, path := range a.Texts {
				a.Texts[i] = strings.TrimPrefix(path, "/")
			}
			out = append(out, a)
			continue
		}
		base, _, _ := strings.Cut(name, " ")
		base, _, _ = strings.Cut(base, ".")
		switch {
		case alone[of], is && slices.Contains(netcdfInternal, base), is && scale[of] && (name == "CLASS" || name == "NAME"):
			continue
		case a.Class != ndarray.Text || a.Type == "text":
			a.Type = ""
		}
		out = append(out, a)
		if !is && scale[of] && len(a.Shape) == 1 { // a variable that gives its own dimension its values
			out = append(out, ndarray.Array{Name: of + dimensionsOf, Class: ndarray.Text, Shape: []int{1}, Texts: []string{of}})
		}
	}
	return out
}

// withTexts makes texts of NetCDF 3's letters: one of an attribute, one for each
// letter of a variable, as HDF5 holds them.
func withTexts(all []ndarray.Array) []ndarray.Array {
	for i, a := range all {
		if a.Class != ndarray.Bytes {
			continue
		}
		t := ndarray.Array{Name: a.Name, Class: ndarray.Text}
		if strings.Contains(a.Name, "@") {
			t.Texts = []string{strings.TrimRight(string(a.Data), "\x00")}
		} else {
			t.Shape = a.Shape
			for k := range a.Count() {
				t.Texts = append(t.Texts, strings.TrimRight(string(a.At(k)), "\x00"))
			}
		}
		all[i] = t
	}
	return all
}
