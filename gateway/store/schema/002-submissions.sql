CREATE TABLE uploads (
	id      TEXT PRIMARY KEY,
	venue   TEXT NOT NULL REFERENCES venues (id),
	person  INTEGER NOT NULL REFERENCES people (id),
	name    TEXT NOT NULL,
	content TEXT NOT NULL,
	size    INTEGER NOT NULL,
	created INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_by_venue ON uploads (venue);
CREATE TABLE submissions (
	id      TEXT PRIMARY KEY,
	venue   TEXT NOT NULL REFERENCES venues (id),
	person  INTEGER NOT NULL REFERENCES people (id),
	name    TEXT NOT NULL,
	title   TEXT NOT NULL,
	content TEXT NOT NULL,
	size    INTEGER NOT NULL,
	report  BLOB NOT NULL,
	created INTEGER NOT NULL
) STRICT;
CREATE INDEX submissions_by_venue ON submissions (venue, created);
