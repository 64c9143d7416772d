// Package squashfs writes and reads squashfs 4.0 file systems, the layers of
// an image.
//
// A file system is, in this order: the superblock; data blocks and fragment
// blocks; the inode table; the directory table; the fragment table; the export
// table; the id table; the extended attributes. Numbers are little-endian.
//
// Files are cut into blocks that are compressed one by one. What is left at
// the end of each file is packed with the ends of others into fragment blocks.
// The tables are streams of metadata: metadata blocks of 8 KiB, compressed, each behind a
// 16-bit length whose top bit says "stored as it is". A reference to an inode
// is where its metadata block starts in the inode table, times 65536, plus the offset
// in the uncompressed metadata block.
//
// [Write] is a pure function of the tree and the options: SPEC.md, part SQ,
// lays down what it chooses where the format leaves a choice. [NewReader]
// reads what any program wrote (SQ-21), within the limits of this package.
//
// The format is described by the Linux kernel,
// Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h.
package squashfs
