package tree

// EncodeDevice returns the number of a device file as squashfs and
// [Node.Device] hold it: Linux's new_encode_dev, 12 bits of major and 20 of
// minor.
func EncodeDevice(major, minor uint32) uint32 {
	return minor&0xff | major&0xfff<<8 | minor&0xfff00<<12
}

// DecodeDevice is the inverse of [EncodeDevice].
func DecodeDevice(device uint32) (major, minor uint32) {
	return device >> 8 & 0xfff, device&0xff | device>>12&0xfff00
}
