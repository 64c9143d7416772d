package archive

import (
	"context"
	"fmt"

	"repro/build/sbom"
	"repro/format"
)

// software is what the environment of the image consists of.
type software struct{ *sbom.Inventory }

// readSoftware reads the package databases in the environment layer.
func readSoftware(ctx context.Context, im *format.Image) (*software, error) {
	r, err := im.Layer(format.EnvironmentName)
	if err != nil {
		return nil, err
	}
	root, err := r.Tree()
	if err != nil {
		return nil, fmt.Errorf("%s: layer %q: %w", im.Name(), format.EnvironmentName, err)
	}
	inv, err := sbom.Read(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("%s: layer %q: software: %w", im.Name(), format.EnvironmentName, err)
	}
	return &software{inv}, nil
}

// bills writes the two bills of materials.
func (d *deposit) bills() error {
	s := sbom.Subject{Name: d.manifest.Paper.Title, Licence: d.manifest.Paper.Licence, Date: d.manifest.Paper.Date}
	if err := d.text(sbomDir+"/environment.spdx.json", "sbom", d.software.SPDX(s)); err != nil {
		return err
	}
	return d.text(sbomDir+"/environment.cdx.json", "sbom", d.software.CycloneDX(s))
}
