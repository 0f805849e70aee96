-- How an answer came about (JSON, `model::Account`); ids only, no words.
ALTER TABLE message ADD COLUMN account TEXT;

-- Who may talk to the characters; the most specific rule decides.
CREATE TABLE access_rule (
    kind    TEXT NOT NULL,          -- user | role | channel | guild | dm | all
    subject TEXT NOT NULL,          -- empty for dm and all
    allowed INTEGER NOT NULL,
    set_by  TEXT NOT NULL,
    set_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT;

-- Where the characters are silent.
CREATE TABLE pause (
    scope  TEXT PRIMARY KEY,        -- empty: everywhere
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL
) STRICT;

-- Which character answers in a conversation, where that was chosen.
CREATE TABLE chosen_character (
    scope     TEXT PRIMARY KEY,
    character TEXT NOT NULL,
    set_by    TEXT NOT NULL,
    set_at    INTEGER NOT NULL
) STRICT;

-- People whose words stay in the place where they were said, even for themselves.
CREATE TABLE privacy_apart (
    character TEXT NOT NULL,
    owner     TEXT NOT NULL,
    set_at    INTEGER NOT NULL,
    PRIMARY KEY (character, owner)
) STRICT;

-- Buttons under the answer to a command: what they are about, and who may press them.
CREATE TABLE question (
    token      TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    character  TEXT NOT NULL,
    scope      TEXT NOT NULL,
    action     TEXT NOT NULL,       -- JSON
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX question_created ON question (created_at);

-- What is deleted leaves no word behind in the index.
INSERT INTO memory_words (memory_words, rank) VALUES ('secure-delete', 1);
