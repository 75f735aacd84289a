-- The journal of one job. The worker writes it, everybody else only reads.

CREATE TABLE IF NOT EXISTS fact (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- An artifact by its upstream name. `size` and `sent` are bytes: as stored in the archive, and as
-- they went over the wire. From `code` to `status` it tells why it failed.
CREATE TABLE IF NOT EXISTS artifact (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL DEFAULT '',
    required INTEGER NOT NULL DEFAULT 1,
    size INTEGER NOT NULL DEFAULT 0,
    platforms TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'waiting',
    digest TEXT NOT NULL DEFAULT '',
    verified INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    started REAL,
    ended REAL,
    code TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    place TEXT NOT NULL DEFAULT '',
    cause TEXT NOT NULL DEFAULT '',
    mend TEXT NOT NULL DEFAULT '',
    status INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, source)
) STRICT;

-- A distinct blob of the archive under the digest that it has there, and what it became on the way.
CREATE TABLE IF NOT EXISTS blob (
    digest TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    entry TEXT NOT NULL,
    sent_digest TEXT NOT NULL DEFAULT '',
    sent_size INTEGER NOT NULL DEFAULT 0,
    is_layer INTEGER NOT NULL DEFAULT 1,
    compressible INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

-- A blob in a repository of the mirror; `location` and `position` resume an upload session.
CREATE TABLE IF NOT EXISTS placement (
    blob TEXT NOT NULL,
    repository TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    location TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (blob, repository)
) STRICT, WITHOUT ROWID;

-- An upload session that nobody goes on with; it stays here until the registry cancels it.
CREATE TABLE IF NOT EXISTS abandoned (
    location TEXT PRIMARY KEY,
    blob TEXT NOT NULL,
    repository TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS artifact_blob (
    artifact INTEGER NOT NULL,
    number INTEGER NOT NULL,
    blob TEXT NOT NULL,
    PRIMARY KEY (artifact, number)
) STRICT, WITHOUT ROWID;

-- A blob in a repository of the mirror by the word of another job: asked before it is believed.
CREATE TABLE IF NOT EXISTS hearsay (
    blob TEXT NOT NULL,
    repository TEXT NOT NULL,
    PRIMARY KEY (blob, repository)
) STRICT, WITHOUT ROWID;

-- What happened, for the log pane and `--json`. `at` is seconds since 1970, UTC; numbers never come
-- again, so that whoever follows misses nothing.
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    artifact INTEGER,
    text TEXT NOT NULL DEFAULT ''
) STRICT;

-- What each thread of the worker has in hand, replaced twice a second.
CREATE TABLE IF NOT EXISTS flight (
    slot INTEGER PRIMARY KEY,
    label TEXT NOT NULL,
    size INTEGER NOT NULL,
    done INTEGER NOT NULL,
    rate REAL NOT NULL,
    artifact INTEGER NOT NULL DEFAULT 0,
    blob TEXT NOT NULL DEFAULT '',
    trouble TEXT NOT NULL DEFAULT ''
) STRICT;

-- Each artifact with the number of its last change: whoever looks again reads only what is new.
CREATE TABLE IF NOT EXISTS change (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    artifact INTEGER NOT NULL UNIQUE
) STRICT;

-- A journal that is made anew goes on above the numbers of the one before.
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'change', CAST(strftime('%s', 'now') AS INTEGER) * 1000
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'change');

CREATE TRIGGER IF NOT EXISTS artifact_added AFTER INSERT ON artifact BEGIN
    DELETE FROM change WHERE artifact = new.id;
    INSERT INTO change (artifact) VALUES (new.id);
END;

CREATE TRIGGER IF NOT EXISTS artifact_changed AFTER UPDATE ON artifact BEGIN
    DELETE FROM change WHERE artifact = new.id;
    INSERT INTO change (artifact) VALUES (new.id);
END;

CREATE TRIGGER IF NOT EXISTS artifact_gone AFTER DELETE ON artifact BEGIN
    DELETE FROM change WHERE artifact = old.id;
    INSERT INTO change (artifact) VALUES (old.id);
END;
