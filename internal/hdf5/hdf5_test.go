package hdf5_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"repro/internal/hdf5"
)

func Example() {
	file, err := os.Open("../../testdata/vectors/compare/hdf5-repacked/new.h5")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		log.Fatal(err)
	}
	f, err := hdf5.Open(file, info.Size())
	if err != nil {
		log.Fatal(err)
	}
	nodes, err := f.Nodes(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range nodes {
		arrays, err := n.Read(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n.Sort, n.Name)
		for _, a := range arrays {
			fmt.Println("  ", a.Type, a.Shape, a.Texts)
		}
	}
	// Output:
	// group /
	// data set /labels
	//    text [2] [a b]
	// group /run
	// data set /run/n
	//    int64 [4] []
	// data set /run/y
	//    float64 [30] []
	// attribute /run/y@unit
	//    text [] [m]
	// data set /z
	//    compound {r float64; i float64} [30] []
}
