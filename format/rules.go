package format

import (
	"fmt"
	"strings"

	"repro/format/manifest"
	"repro/format/verity"
)

// checkObjects checks the list of objects: recipe, inspect, perhaps an sbom,
// then layers each followed by its tree, the first of them the environment.
func checkObjects(objects []manifest.Object) error {
	small := []manifest.Object{{Name: RecipeName, Role: manifest.RoleRecipe}, {Name: inspectName, Role: manifest.RoleInspect}}
	if len(objects) > len(small) && objects[len(small)].Role == manifest.RoleSBOM {
		small = append(small, manifest.Object{Name: sbomName, Role: manifest.RoleSBOM})
	}
	if len(objects) < len(small)+2 || (len(objects)-len(small))%2 != 0 {
		return fmt.Errorf("%d objects: want the small ones, then layers each with its tree", len(objects))
	}
	if n := (len(objects) - len(small)) / 2; n > maxLayers {
		return fmt.Errorf("%d layers, at most %d are allowed", n, maxLayers)
	}
	seen := map[string]bool{ManifestName: true}
	for i, o := range objects {
		err := checkObject(o, i+2)
		switch pair := i - len(small); {
		case err != nil:
		case pair < 0:
			err = checkSmall(o, small[i])
		case pair%2 == 0:
			err = checkLayer(o, pair == 0)
		default:
			err = checkTree(o, objects[i-1])
		}
		if err == nil && seen[o.Name] {
			err = fmt.Errorf("name used twice")
		}
		if err != nil {
			return fmt.Errorf("object %d (%q): %w", i+2, o.Name, err)
		}
		seen[o.Name] = true
	}
	return nil
}

// checkObject checks what holds for objects of all roles.
func checkObject(o manifest.Object, slot int) error {
	if int64(o.ID) != int64(slot) {
		return fmt.Errorf("ID %d, want %d", o.ID, slot)
	}
	if o.Size < 0 || o.Size > maxObjectSize {
		return fmt.Errorf("size %d", o.Size)
	}
	_, err := o.Digest.Sum()
	return err
}

func checkSmall(o, want manifest.Object) error {
	if o.Name != want.Name || o.Role != want.Role || o.Layer != nil {
		return fmt.Errorf("role %q, want %q with role %q here", o.Role, want.Name, want.Role)
	}
	if o.Size > maxSmall {
		return fmt.Errorf("%d bytes, at most %d are allowed", o.Size, maxSmall)
	}
	return nil
}

func checkLayer(o manifest.Object, first bool) error {
	if err := checkLayerName(o.Name, o.Role, first); err != nil {
		return err
	}
	if o.Size == 0 || o.Size%align != 0 {
		return fmt.Errorf("%d bytes: a layer has a multiple of %d", o.Size, align)
	}
	l := o.Layer
	if l == nil {
		return fmt.Errorf("a layer without its particulars")
	}
	for _, d := range []manifest.Digest{l.Root, l.Content} {
		if _, err := d.Sum(); err != nil {
			return err
		}
	}
	if l.Codec == "" || len(l.Codec) > maxCodecName {
		return fmt.Errorf("codec %q", l.Codec)
	}
	if l.BlockSize < 4096 || l.BlockSize > maxBlockSize || l.BlockSize&(l.BlockSize-1) != 0 {
		return fmt.Errorf("block size %d", l.BlockSize)
	}
	if l.Files < 0 || l.Files > maxObjectSize || l.Bytes < 0 || l.Bytes > maxObjectSize {
		return fmt.Errorf("%d files of %d bytes", l.Files, l.Bytes)
	}
	return nil
}

// checkLayerName says whether a layer may be called so: lower-case letters,
// digits, hyphen, underscore; the environment first, the only hidden one
// "published".
func checkLayerName(name string, role manifest.Role, first bool) error {
	switch {
	case name == "" || len(name) > maxLayerName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
		return fmt.Errorf("not a name for a layer: want lower-case letters, digits, hyphens")
	case role != manifest.RoleLayer && role != manifest.RoleHidden:
		return fmt.Errorf("role %q where a layer is due", role)
	case first != (name == EnvironmentName) || first && role != manifest.RoleLayer:
		return fmt.Errorf("the first layer is %q and no other is", EnvironmentName)
	case (role == manifest.RoleHidden) != (name == PublishedName):
		return fmt.Errorf("the hidden layer is %q and no other is", PublishedName)
	}
	return nil
}

func checkTree(o, layer manifest.Object) error {
	if o.Role != manifest.RoleTree || o.Name != layer.Name+treeSuffix || o.Layer != nil {
		return fmt.Errorf("role %q where the hash tree of %q is due", o.Role, layer.Name)
	}
	if want := verity.TreeSize(layer.Size); o.Size != want {
		return fmt.Errorf("%d bytes, the tree of %q has %d", o.Size, layer.Name, want)
	}
	return nil
}
