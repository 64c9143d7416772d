CREATE TABLE venues (
	id      TEXT PRIMARY KEY,
	name    TEXT NOT NULL,
	quota   INTEGER NOT NULL,
	created INTEGER NOT NULL
) STRICT;
INSERT INTO venues VALUES ('', 'the gateway itself', 0, 0);
CREATE TABLE people (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	name    TEXT NOT NULL,
	created INTEGER NOT NULL
) STRICT;
CREATE TABLE links (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	hash    BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	venue   TEXT NOT NULL REFERENCES venues (id),
	role    TEXT NOT NULL,
	label   TEXT NOT NULL,
	once    INTEGER NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	revoked INTEGER NOT NULL DEFAULT 0,
	person  INTEGER REFERENCES people (id)
) STRICT;
CREATE TABLE memberships (
	venue   TEXT NOT NULL REFERENCES venues (id),
	person  INTEGER NOT NULL REFERENCES people (id),
	role    TEXT NOT NULL,
	link    INTEGER NOT NULL REFERENCES links (id),
	expires INTEGER NOT NULL,
	PRIMARY KEY (venue, person)
) STRICT;
CREATE TABLE sessions (
	hash    BLOB PRIMARY KEY CHECK (length(hash) = 32),
	person  INTEGER NOT NULL REFERENCES people (id),
	link    INTEGER NOT NULL REFERENCES links (id),
	expires INTEGER NOT NULL
) STRICT;
CREATE TABLE audit (
	sequence INTEGER PRIMARY KEY,
	time     INTEGER NOT NULL,
	actor    INTEGER NOT NULL,
	action   TEXT NOT NULL,
	venue    TEXT NOT NULL,
	subject  TEXT NOT NULL,
	hash     BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
