package capture

// sameDisk is not known.
func sameDisk(string, string) bool { return false }
