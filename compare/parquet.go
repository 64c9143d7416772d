package compare

import (
	"context"

	"repro/internal/parquet"
)

const kindParquet = "parquet"

func init() { comparers[kindParquet] = compareParquet }

// compareParquet compares the columns of two tables, one at a time (CMP-119a).
func compareParquet(ctx context.Context, j *job) error {
	var lists [2][]filePart
	for i, of := range []side{published, produced} {
		in, err := j.files[i].open(of)
		if err != nil {
			return err
		}
		defer in.Close()
		at, size, err := in.anywhere()
		if err != nil {
			return err
		}
		f, err := parquet.Open(at, size)
		if err != nil {
			return outside(err, of, kindParquet)
		}
		for _, c := range f.Columns {
			lists[i] = append(lists[i], filePart{c.Name, c.Read})
		}
	}
	j.sameContent = "the same columns; only their order, packing or what is written beside them differs"
	return j.compareParts(ctx, kindParquet, "column", lists[0], lists[1])
}
