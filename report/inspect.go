package report

import "repro/format/manifest"

// Inspect is what `repro inspect` says of one SIF file.
type Inspect struct {
	Version   int                `json:"version"`
	Image     string             `json:"image"` // as the caller named it
	Size      int64              `json:"size"`
	ContentID manifest.Digest    `json:"contentId,omitempty"`
	UUID      string             `json:"uuid"`
	Canonical bool               `json:"canonical"`
	Problems  []string           `json:"problems,omitempty"` // where the layout is not canonical
	Manifest  *manifest.Manifest `json:"manifest,omitempty"` // none for a foreign image
	Objects   []InspectObject    `json:"objects"`            // as the descriptors list them
}

// InspectObject is what one descriptor of a SIF file says.
type InspectObject struct {
	ID     uint32          `json:"id"`
	Name   string          `json:"name"`
	Type   string          `json:"type"`
	Role   manifest.Role   `json:"role,omitempty"` // from the manifest
	Group  uint32          `json:"group,omitempty"`
	Link   uint32          `json:"link,omitempty"`
	Offset int64           `json:"offset"`
	Size   int64           `json:"size"`
	Digest manifest.Digest `json:"digest,omitempty"` // from the manifest
}
