//go:build !linux

package tree

import (
	"io"
	"io/fs"
	"os"
)

// Elsewhere than on Linux files have one name, no owner and no extended
// attributes.

func hostInfoOf(fs.FileInfo) hostInfo { return hostInfo{links: 1} }

func readXattrs(string, func(string) bool) (map[string][]byte, error) { return nil, nil }

func openHost(file string) (io.ReadCloser, openInfo, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, openInfo{}, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, openInfo{}, err
	}
	return f, openInfo{size: info.Size(), regular: info.Mode().IsRegular()}, nil
}
