// Package format writes and reads images.
//
// An image is a SIF file: a header, a table of descriptors and the objects that
// the descriptors name. Programs for SIF files read it as it is. On top of SIF,
// an image has one canonical layout (SPEC.md, part IMG) that follows from its
// manifest and its signatures alone, so that every byte of the file is either
// explained or refused:
//
//	    0  header, 128 bytes, then zeros
//	 4096  112 descriptors of 585 bytes, then zeros
//	69632  objects, each at the next multiple of 4096, zeros between them:
//	       1 manifest.json, 2 repro.yaml, 3 inspect-metadata.json,
//	       then each layer followed by its hash tree, then signatures
//
// The manifest, object 1, lists the other objects with their digests; it is
// known last but stands first, in room that was kept for it. The hash tree of
// a layer lets every reader check each block as it is read, so that opening an
// image takes the same time whatever its size.
//
// [Open] accepts any SIF file within stated bounds. [Image.Layout] says whether
// it is canonical, [Image.Check] whether its objects are those that the manifest
// binds. Who signed it is for package verify.
package format
