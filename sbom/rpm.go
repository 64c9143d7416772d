package sbom

func (r *reader) rpm() error { return nil }
