// Package container is where the files of a deposit are written to and read
// from: a folder, a tar or zip archive, or an object of the Oxford Common File
// Layout. It knows nothing of what is in the files.
//
// A container that is written appears whole or not at all, and its bytes depend
// on the files and on [About] alone. One that is read is somebody else's: names,
// sizes and counts are bounded before they are used.
package container
