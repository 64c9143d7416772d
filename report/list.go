package report

// List is what `repro ls` says of the files in one image.
type List struct {
	Version int         `json:"version"`
	Image   string      `json:"image"`           // as the caller named it
	Layer   string      `json:"layer,omitempty"` // empty: all that steps see
	Files   []FileEntry `json:"files"`
}

// FileEntry says what one file of a layer is, without its content.
type FileEntry struct {
	Path     string   `json:"path"` // absolute
	Kind     string   `json:"kind"` // file, directory, symlink, block, char, fifo or socket
	Mode     string   `json:"mode"` // octal, four digits or more
	UID      uint32   `json:"uid"`
	GID      uint32   `json:"gid"`
	Size     int64    `json:"size"`             // bytes; 0 but for files
	Modified string   `json:"modified"`         // RFC 3339, UTC
	Target   string   `json:"target,omitempty"` // of a symbolic link
	Device   string   `json:"device,omitempty"` // major:minor
	Xattrs   []string `json:"xattrs,omitempty"` // names
}
