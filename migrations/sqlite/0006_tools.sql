-- What people asked to be reminded of.
CREATE TABLE reminder (
    id         TEXT PRIMARY KEY,
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    scope      TEXT NOT NULL,
    platform   TEXT NOT NULL,
    address    TEXT,               -- NULL: whoever shows that conversation asks for it
    message    TEXT NOT NULL,      -- where it was asked for
    text       TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    status     TEXT NOT NULL,      -- waiting | due | told
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX reminder_owner ON reminder (character, owner, due_at);
CREATE INDEX reminder_due ON reminder (platform, due_at) WHERE status = 'due';
CREATE INDEX reminder_message ON reminder (message);

-- What a character has set out to reach with somebody.
CREATE TABLE goal (
    id               TEXT PRIMARY KEY,
    character        TEXT NOT NULL,
    owner            TEXT NOT NULL,
    scope            TEXT NOT NULL,
    description      TEXT NOT NULL,
    success_criteria TEXT,
    priority         INTEGER NOT NULL,   -- 1..10, higher first
    message          TEXT NOT NULL,     -- the message that it rests on
    created_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX goal_owner ON goal (character, owner, priority);
CREATE INDEX goal_message ON goal (message);
