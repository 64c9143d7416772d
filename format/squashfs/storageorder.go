package squashfs

import (
	"slices"
	"strings"
)

// manyNames is how many files of one name are stored side by side (SQ-9).
const manyNames = 8

// storageOrder returns files, which are in the order of their numbers, in the order
// in which their contents are stored: the same, but names that many files have
// come last, by name. They resemble each other, as translations of one program
// into many languages do, and a block that holds several is smaller.
func storageOrder(files []*inode) []*inode {
	namesakes := make(map[string][]*inode, len(files))
	for _, in := range files {
		name := lastElement(in.path)
		namesakes[name] = append(namesakes[name], in)
	}
	ordered := make([]*inode, 0, len(files))
	for _, in := range files {
		if len(namesakes[lastElement(in.path)]) < manyNames {
			ordered = append(ordered, in)
		}
	}
	var many []string
	for name, all := range namesakes {
		if len(all) >= manyNames {
			many = append(many, name)
		}
	}
	slices.Sort(many)
	for _, name := range many {
		ordered = append(ordered, namesakes[name]...)
	}
	return ordered
}

func lastElement(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
