// Package repro makes published computational results verifiable and
// re-runnable. It holds no code of its own: see the command in cmd/repro, and
// the packages format, build, sign, verify, run and compare for programs.
package repro

import _ "embed" // the specification

// Spec is SPEC.md: what another implementer needs, kept beside programs that
// are to outlive this one.
//
//go:embed SPEC.md
var Spec []byte
