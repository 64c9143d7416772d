package compare

import "repro/internal/sqlite"

const kindSQLite = "sqlite"

// SPEC.md CMP-119k.
func init() {
	comparers[kindSQLite] = (&arrayKind{
		kind: kindSQLite,
		read: whole(maxDatabase, sqlite.Read),
		same: "the same tables and statements; only where rows lie in the file, or their order, differ",
	}).compare
}

// maxDatabase bounds databases, in bytes.
const maxDatabase = 128 << 20
