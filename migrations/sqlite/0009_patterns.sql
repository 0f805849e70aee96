-- Answers that went well, as examples for messages like the one they answered. The words stay in `message`.
CREATE TABLE pattern (
    id         TEXT PRIMARY KEY,
    character  TEXT NOT NULL,
    owner      TEXT NOT NULL,       -- the user who asked
    scope      TEXT NOT NULL,       -- where
    message    TEXT NOT NULL UNIQUE,
    reply      TEXT NOT NULL,
    source     TEXT NOT NULL,       -- liked | distilled
    learned    REAL NOT NULL,     -- 0..1, the score it was learned with
    learned_at INTEGER NOT NULL,  -- 0: it was not learned, it rests on reactions alone
    score      REAL NOT NULL,       -- 0..1, with the reactions; 0: outvoted
    model      TEXT,                -- of the vector
    vector     TEXT,                -- JSON list
    held_at    INTEGER NOT NULL     -- when it was learned or liked last
) STRICT;
CREATE INDEX pattern_scope ON pattern (character, scope, held_at);
CREATE INDEX pattern_owner ON pattern (character, owner, held_at);
CREATE INDEX pattern_reply ON pattern (reply);

-- Reactions to answers that can be examples.
CREATE TABLE pattern_vote (
    reply   TEXT NOT NULL,
    voter   TEXT NOT NULL,
    source  TEXT NOT NULL,          -- one reaction counts once
    message TEXT NOT NULL,          -- what was answered
    kind    INTEGER NOT NULL,       -- 1 kind | 0 unkind
    cast_at INTEGER NOT NULL,
    PRIMARY KEY (reply, voter, source)
) STRICT;
CREATE INDEX pattern_vote_message ON pattern_vote (message);
