ALTER TABLE venues ADD COLUMN personal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE uploads ADD COLUMN former TEXT NOT NULL DEFAULT '';
ALTER TABLE submissions ADD COLUMN former TEXT NOT NULL DEFAULT '';
CREATE TABLE runs (
	id         TEXT PRIMARY KEY,
	venue      TEXT NOT NULL REFERENCES venues (id),
	submission TEXT NOT NULL REFERENCES submissions (id),
	person     INTEGER NOT NULL REFERENCES people (id),
	kind       TEXT NOT NULL,
	step       TEXT NOT NULL,
	state      TEXT NOT NULL,
	attempts   INTEGER NOT NULL DEFAULT 0,
	worker     TEXT NOT NULL DEFAULT '',
	lease      INTEGER NOT NULL DEFAULT 0,
	cancelled  INTEGER NOT NULL DEFAULT 0,
	outcome    TEXT NOT NULL DEFAULT '',
	reproduced INTEGER NOT NULL DEFAULT 0,
	results    INTEGER NOT NULL DEFAULT 0,
	words      TEXT NOT NULL DEFAULT '',
	created    INTEGER NOT NULL,
	started    INTEGER NOT NULL DEFAULT 0,
	ended      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_by_submission ON runs (submission, created);
CREATE INDEX runs_by_state ON runs (state, created);
CREATE INDEX runs_by_venue ON runs (venue, started);
CREATE TABLE workers (
	name    TEXT PRIMARY KEY,
	limits  TEXT NOT NULL,
	seen    INTEGER NOT NULL
) STRICT;
