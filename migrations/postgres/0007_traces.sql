-- How questions that took thought were answered: which tools, with which arguments. Rests on one message alone: the
-- arguments hold its own words, and the answer stands where it always stood.
CREATE TABLE trace (
    id         TEXT PRIMARY KEY,
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,       -- the user who asked
    scope      TEXT NOT NULL,       -- where
    message    TEXT NOT NULL UNIQUE,
    question   TEXT NOT NULL,
    steps      TEXT NOT NULL,       -- JSON list of calls
    reply      TEXT NOT NULL,       -- where the answer stands
    outcome    TEXT NOT NULL,       -- answered | served | liked | disliked | corrected | failed
    score      DOUBLE PRECISION NOT NULL,       -- 0..1
    model      TEXT,                -- of the vector
    vector     TEXT,                -- JSON list
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX trace_owner ON trace (character, owner, used_at);
CREATE INDEX trace_scope ON trace (character, scope, used_at);

-- Which traces an answer rests on: what people make of it is their score.
CREATE TABLE trace_use (
    trace   TEXT NOT NULL,
    message TEXT NOT NULL,          -- the message that was answered
    judged  TEXT NOT NULL,          -- what has counted: letters of the kinds
    PRIMARY KEY (trace, message)
);
CREATE INDEX trace_use_message ON trace_use (message);
