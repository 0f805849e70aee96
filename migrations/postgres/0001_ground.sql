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
    said_at     BIGINT NOT NULL,
    stored_at   BIGINT NOT NULL,
    session     TEXT NOT NULL,
    reply_to    TEXT,
    status      TEXT NOT NULL,      -- pending | answered | failed
    UNIQUE (platform, platform_id, character)
);
CREATE INDEX message_talk ON message (character, scope, said_at);
CREATE INDEX message_session ON message (session, said_at);
CREATE INDEX message_pending ON message (stored_at) WHERE status = 'pending';

CREATE TABLE session (
    id           TEXT PRIMARY KEY,
    character    TEXT NOT NULL,
    scope        TEXT NOT NULL,
    started_at   BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    touched_at   BIGINT NOT NULL,  -- when the last message was stored, by the machine's clock
    ended_at     BIGINT,
    extracted_at BIGINT,
    messages     BIGINT NOT NULL
);
CREATE INDEX session_open ON session (character, scope) WHERE ended_at IS NULL;
CREATE INDEX session_unextracted ON session (ended_at) WHERE extracted_at IS NULL;

CREATE TABLE summary (
    session        TEXT PRIMARY KEY,
    character      TEXT NOT NULL,
    scope          TEXT NOT NULL,
    text           TEXT NOT NULL,
    meaningfulness BIGINT NOT NULL,
    emotions       TEXT NOT NULL,   -- JSON list
    topics         TEXT NOT NULL,   -- JSON list
    started_at     BIGINT NOT NULL,
    ended_at       BIGINT NOT NULL
);
CREATE INDEX summary_talk ON summary (character, scope, ended_at);

-- What recall searches: a row a message, a part of a long message, or a summary.
CREATE TABLE memory (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    character  TEXT NOT NULL,
    scope      TEXT NOT NULL,
    author     TEXT,                -- user id; NULL: the character
    kind       TEXT NOT NULL,       -- message | reply | summary
    source     TEXT NOT NULL,       -- message or session id
    chunk      BIGINT NOT NULL,
    text       TEXT NOT NULL,
    said_at    BIGINT NOT NULL,
    importance DOUBLE PRECISION NOT NULL,
    words      TSVECTOR GENERATED ALWAYS AS (to_tsvector('english', text)) STORED,
    UNIQUE (source, kind, chunk)
);
CREATE INDEX memory_talk ON memory (character, scope, said_at);
CREATE INDEX memory_author ON memory (character, author, said_at);

CREATE INDEX memory_words ON memory USING gin (words);

-- `memory_vector` is made at start by `store::vector`, because its column type needs the extension pgvector.

CREATE TABLE fact (
    id         TEXT PRIMARY KEY,
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,       -- the user who said it
    scope      TEXT NOT NULL,
    subject    TEXT NOT NULL,
    predicate  TEXT NOT NULL,
    object     TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT,             -- NULL: still holds
    created_at BIGINT NOT NULL
);
CREATE INDEX fact_owner ON fact (character, owner, predicate);
CREATE INDEX fact_scope ON fact (character, scope);

CREATE TABLE fact_source (
    fact    TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (fact, message)
);

CREATE TABLE preference (
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,
    scope      TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    message    TEXT,                -- where it was said
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (character, owner, scope, key)
);

CREATE TABLE trust_event (
    id        TEXT PRIMARY KEY,
    character TEXT NOT NULL,
    owner     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    delta     DOUBLE PRECISION NOT NULL,
    reason    TEXT NOT NULL,
    source    TEXT NOT NULL,        -- what caused it; one event a source and kind
    at        BIGINT NOT NULL,
    UNIQUE (character, owner, kind, source)
);
CREATE INDEX trust_event_owner ON trust_event (character, owner, at);

CREATE TABLE relationship (
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,
    trust      DOUBLE PRECISION NOT NULL,       -- after the last event, before decay
    mood       TEXT NOT NULL,
    mood_at    BIGINT NOT NULL,
    turns      BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (character, owner)
);

CREATE TABLE milestone (
    character TEXT NOT NULL,
    owner     TEXT NOT NULL,
    key       TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (character, owner, key)
);

CREATE TABLE ledger (
    id         TEXT PRIMARY KEY,
    at         BIGINT NOT NULL,
    tier       TEXT NOT NULL,
    model      TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    character  TEXT,
    owner      TEXT,
    turn       TEXT,
    tokens_in  BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    cost_usd   DOUBLE PRECISION NOT NULL,
    ms         DOUBLE PRECISION NOT NULL,
    attempts   BIGINT NOT NULL,
    outcome    TEXT NOT NULL,       -- ok | the kind of error
    error      TEXT
);
CREATE INDEX ledger_at ON ledger (at);

CREATE TABLE job (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    payload      TEXT NOT NULL,     -- JSON
    dedup_key    TEXT UNIQUE,
    status       TEXT NOT NULL,     -- pending | running | done | failed | dead
    priority     BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    run_at       BIGINT NOT NULL,
    locked_by    TEXT,
    locked_at    BIGINT,
    done_at      BIGINT,
    last_error   TEXT,
    created_at   BIGINT NOT NULL
);
CREATE INDEX job_due ON job (status, run_at);

CREATE TABLE job_worker (
    name    TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

-- What has been said once and is not to be said again in the same conversation.
CREATE TABLE notice (
    character TEXT NOT NULL,
    scope     TEXT NOT NULL,
    key       TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (character, scope, key)
);
