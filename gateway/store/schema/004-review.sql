CREATE TABLE identities (
	issuer  TEXT NOT NULL,
	subject TEXT NOT NULL,
	person  INTEGER NOT NULL REFERENCES people (id),
	name    TEXT NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX identities_by_person ON identities (person);
CREATE TABLE signed_in (
	hash    BLOB PRIMARY KEY CHECK (length(hash) = 32),
	person  INTEGER NOT NULL REFERENCES people (id),
	link    INTEGER REFERENCES links (id),
	expires INTEGER NOT NULL
) STRICT;
INSERT INTO signed_in SELECT hash, person, link, expires FROM sessions;
DROP TABLE sessions;
ALTER TABLE signed_in RENAME TO sessions;
CREATE TABLE tokens (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	hash    BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	person  INTEGER NOT NULL REFERENCES people (id),
	label   TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tokens_by_person ON tokens (person);
ALTER TABLE venues ADD COLUMN blind TEXT NOT NULL DEFAULT 'single';
CREATE TABLE masks (
	submission TEXT PRIMARY KEY REFERENCES submissions (id),
	words      TEXT NOT NULL,
	files      TEXT NOT NULL
) STRICT;
CREATE TABLE trusted_keys (
	venue       TEXT NOT NULL REFERENCES venues (id),
	fingerprint TEXT NOT NULL,
	name        TEXT NOT NULL,
	material    BLOB NOT NULL,
	created     INTEGER NOT NULL,
	PRIMARY KEY (venue, fingerprint)
) STRICT;
CREATE TABLE attestations (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	submission TEXT NOT NULL REFERENCES submissions (id),
	person     INTEGER NOT NULL REFERENCES people (id),
	digest     TEXT NOT NULL,
	bundle     BLOB NOT NULL,
	created    INTEGER NOT NULL,
	UNIQUE (submission, digest)
) STRICT;
CREATE TABLE decisions (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	submission TEXT NOT NULL REFERENCES submissions (id),
	person     INTEGER NOT NULL REFERENCES people (id),
	decision   TEXT NOT NULL,
	words      TEXT NOT NULL,
	created    INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_by_submission ON decisions (submission, id);
CREATE TABLE comments (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	submission TEXT NOT NULL REFERENCES submissions (id),
	person     INTEGER NOT NULL REFERENCES people (id),
	role       TEXT NOT NULL,
	about      TEXT NOT NULL,
	subject    TEXT NOT NULL,
	line       INTEGER NOT NULL DEFAULT 0,
	words      TEXT NOT NULL,
	created    INTEGER NOT NULL,
	removed    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX comments_by_submission ON comments (submission, id);
