// Package examples holds complete experiments with real published results,
// embedded so that `repro demo` needs nothing but the program.
package examples

import "embed"

// FS has one folder an example, each with a repro.yaml.
//
//go:embed nist-strd norris-figure
var FS embed.FS
