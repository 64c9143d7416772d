package tree

import "io/fs"

// Kind returns what kind of file n is: file, directory, symlink, block, char,
// fifo or socket, as [Describe] names them.
func (n *Node) Kind() string { return typeName(n.Mode) }

// UnixMode returns the permission, setuid, setgid and sticky bits of m as Unix
// numbers them.
func UnixMode(m fs.FileMode) uint32 { return unixMode(m) }
