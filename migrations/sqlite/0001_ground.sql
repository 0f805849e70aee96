-- Times are microseconds since 1970-01-01T00:00:00Z. Ids are UUIDv7 text. Scopes are keys of `model::Scope`.

CREATE TABLE message (
    id          TEXT PRIMARY KEY,
    platform    TEXT NOT NULL,
    platform_id TEXT NOT NULL,
    character   TEXT NOT NULL,
    scope       TEXT NOT NULL,
    author      TEXT,               -- user id; NULL: the character
    author_name TEXT NOT NULL,
    text        TEXT NOT NULL,
    said_at     INTEGER NOT NULL,
    stored_at   INTEGER NOT NULL,
    session     TEXT NOT NULL,
    reply_to    TEXT,
    status      TEXT NOT NULL,      -- pending | answered | failed
    UNIQUE (platform, platform_id, character)
) STRICT;
CREATE INDEX message_talk ON message (character, scope, said_at);
CREATE INDEX message_session ON message (session, said_at);
CREATE INDEX message_pending ON message (stored_at) WHERE status = 'pending';

CREATE TABLE session (
    id           TEXT PRIMARY KEY,
    character    TEXT NOT NULL,
    scope        TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    touched_at   INTEGER NOT NULL,  -- when the last message was stored, by the machine's clock
    ended_at     INTEGER,
    extracted_at INTEGER,
    messages     INTEGER NOT NULL
) STRICT;
CREATE INDEX session_open ON session (character, scope) WHERE ended_at IS NULL;
CREATE INDEX session_unextracted ON session (ended_at) WHERE extracted_at IS NULL;

CREATE TABLE summary (
    session        TEXT PRIMARY KEY,
    character      TEXT NOT NULL,
    scope          TEXT NOT NULL,
    text           TEXT NOT NULL,
    meaningfulness INTEGER NOT NULL,
    emotions       TEXT NOT NULL,   -- JSON list
    topics         TEXT NOT NULL,   -- JSON list
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX summary_talk ON summary (character, scope, ended_at);

-- What recall searches: a row a message, a part of a long message, or a summary.
CREATE TABLE memory (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    character  TEXT NOT NULL,
    scope      TEXT NOT NULL,
    author     TEXT,                -- user id; NULL: the character
    kind       TEXT NOT NULL,       -- message | reply | summary
    source     TEXT NOT NULL,       -- message or session id
    chunk      INTEGER NOT NULL,
    text       TEXT NOT NULL,
    said_at    INTEGER NOT NULL,
    importance REAL NOT NULL,
    UNIQUE (source, kind, chunk)
) STRICT;
CREATE INDEX memory_talk ON memory (character, scope, said_at);
CREATE INDEX memory_author ON memory (character, author, said_at);

CREATE VIRTUAL TABLE memory_words USING fts5 (
    text, content = 'memory', content_rowid = 'seq', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER memory_words_insert AFTER INSERT ON memory BEGIN
    INSERT INTO memory_words (rowid, text) VALUES (new.seq, new.text);
END;
CREATE TRIGGER memory_words_delete AFTER DELETE ON memory BEGIN
    INSERT INTO memory_words (memory_words, rowid, text) VALUES ('delete', old.seq, old.text);
END;
CREATE TRIGGER memory_words_update AFTER UPDATE OF text ON memory BEGIN
    INSERT INTO memory_words (memory_words, rowid, text) VALUES ('delete', old.seq, old.text);
    INSERT INTO memory_words (rowid, text) VALUES (new.seq, new.text);
END;

CREATE TABLE memory_vector (
    memory TEXT NOT NULL,
    model  TEXT NOT NULL,
    vector BLOB NOT NULL,           -- little-endian f32
    PRIMARY KEY (memory, model)
) STRICT;

CREATE TABLE fact (
    id         TEXT PRIMARY KEY,
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,       -- the user who said it
    scope      TEXT NOT NULL,
    subject    TEXT NOT NULL,
    predicate  TEXT NOT NULL,
    object     TEXT NOT NULL,
    confidence REAL NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to   INTEGER,             -- NULL: still holds
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX fact_owner ON fact (character, owner, predicate);
CREATE INDEX fact_scope ON fact (character, scope);

CREATE TABLE fact_source (
    fact    TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (fact, message)
) STRICT;

CREATE TABLE preference (
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,
    scope      TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    message    TEXT,                -- where it was said
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (character, owner, scope, key)
) STRICT;

CREATE TABLE trust_event (
    id        TEXT PRIMARY KEY,
    character TEXT NOT NULL,
    owner     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    delta     REAL NOT NULL,
    reason    TEXT NOT NULL,
    source    TEXT NOT NULL,        -- what caused it; one event a source and kind
    at        INTEGER NOT NULL,
    UNIQUE (character, owner, kind, source)
) STRICT;
CREATE INDEX trust_event_owner ON trust_event (character, owner, at);

CREATE TABLE relationship (
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,
    trust      REAL NOT NULL,       -- after the last event, before decay
    mood       TEXT NOT NULL,
    mood_at    INTEGER NOT NULL,
    turns      INTEGER NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    PRIMARY KEY (character, owner)
) STRICT;

CREATE TABLE milestone (
    character TEXT NOT NULL,
    owner     TEXT NOT NULL,
    key       TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (character, owner, key)
) STRICT;

CREATE TABLE ledger (
    id         TEXT PRIMARY KEY,
    at         INTEGER NOT NULL,
    tier       TEXT NOT NULL,
    model      TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    character  TEXT,
    owner      TEXT,
    turn       TEXT,
    tokens_in  INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    cost_usd   REAL NOT NULL,
    ms         REAL NOT NULL,
    attempts   INTEGER NOT NULL,
    outcome    TEXT NOT NULL,       -- ok | the kind of error
    error      TEXT
) STRICT;
CREATE INDEX ledger_at ON ledger (at);

CREATE TABLE job (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    payload      TEXT NOT NULL,     -- JSON
    dedup_key    TEXT UNIQUE,
    status       TEXT NOT NULL,     -- pending | running | done | failed | dead
    priority     INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    run_at       INTEGER NOT NULL,
    locked_by    TEXT,
    locked_at    INTEGER,
    done_at      INTEGER,
    last_error   TEXT,
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX job_due ON job (status, run_at);

CREATE TABLE job_worker (
    name    TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT;

-- What has been said once and is not to be said again in the same conversation.
CREATE TABLE notice (
    character TEXT NOT NULL,
    scope     TEXT NOT NULL,
    key       TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (character, scope, key)
) STRICT;
