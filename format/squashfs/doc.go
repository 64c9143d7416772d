// Package squashfs writes and reads squashfs 4.0 file systems, the layers of
// an image.
package squashfs
