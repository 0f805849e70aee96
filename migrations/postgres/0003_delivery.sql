-- Where the answer to a message goes, in the words of its platform (JSON).
ALTER TABLE message ADD COLUMN address TEXT;

-- What came with the words and is not the author's own (JSON list).
ALTER TABLE message ADD COLUMN beside TEXT;

-- The process that answers it, so that no other does while that one lives.
ALTER TABLE message ADD COLUMN holder TEXT;

-- What a platform was asked to show: written before it is sent, so that a crash neither loses nor doubles it.
CREATE TABLE outbox (
    key         TEXT PRIMARY KEY,   -- message that is answered, and the number of the piece
    platform    TEXT NOT NULL,
    conversation TEXT NOT NULL,
    room        TEXT NOT NULL,      -- what shares one count of message ids
    address     TEXT NOT NULL,
    text        TEXT NOT NULL,      -- what is to be seen
    status      TEXT NOT NULL,      -- waiting | sending | sent | gone
    platform_id TEXT,               -- the platform's id of the piece, once it is known
    holder      TEXT NOT NULL,      -- the process that sends it
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX outbox_room ON outbox (platform, room, created_at);
CREATE INDEX outbox_sending ON outbox (platform, created_at) WHERE status IN ('sending', 'waiting');
CREATE INDEX message_unsent ON message (stored_at) WHERE status = 'unsent';
CREATE INDEX outbox_known ON outbox (platform, room, platform_id);

-- Where a platform's adapter left off, in its own words.
CREATE TABLE cursor (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
