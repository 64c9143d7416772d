package squashfs

import (
	"path"
	"slices"
	"strings"
)

// manyNames is how many files of one name are stored side by side.
const manyNames = 8

// inOrder returns files, which are in the order of their numbers, in the order
// in which their contents are stored: those that resemble each other so close
// that a block holds them both. Byte code follows its source, whose texts it
// repeats. Names that many files have, as translations of one program into
// many languages do, come last, by name.
func inOrder(files []*inode) []*inode {
	namesakes, sources := make(map[string][]*inode, len(files)), map[string]*inode{}
	for _, in := range files {
		name := in.path[strings.LastIndexByte(in.path, '/')+1:]
		namesakes[name] = append(namesakes[name], in)
		if strings.HasSuffix(name, ".py") && sourceOf(in.path) == "" {
			sources[in.path] = in
		}
	}
	var many []string
	last := map[*inode]bool{}
	for name, all := range namesakes {
		if len(all) < manyNames {
			continue
		}
		many = append(many, name)
		for _, in := range all {
			last[in] = true
		}
	}
	compiled := map[*inode][]*inode{}
	var others []*inode
	for _, in := range files {
		switch source := sources[sourceOf(in.path)]; {
		case last[in]:
		case source != nil && !last[source]:
			compiled[source] = append(compiled[source], in)
		default:
			others = append(others, in)
		}
	}
	ordered := make([]*inode, 0, len(files))
	for _, in := range others {
		ordered = append(append(ordered, in), compiled[in]...)
	}
	slices.Sort(many)
	for _, name := range many {
		ordered = append(ordered, namesakes[name]...)
	}
	return ordered
}

// sourceOf returns where the source of a file of byte code is (PEP 3147), or
// "".
func sourceOf(name string) string {
	dir, base := path.Split(name)
	folder, ok := strings.CutSuffix(dir, "__pycache__/")
	if !ok {
		return ""
	}
	module, _, _ := strings.Cut(base, ".")
	return folder + module + ".py"
}
