-- On whose server a call was made.
ALTER TABLE ledger ADD COLUMN guild TEXT;

-- What was spent a day, in billionths of a dollar; a month is the sum of its days.
CREATE TABLE budget_spent (
    kind    TEXT NOT NULL,          -- all | guild | user | character
    subject TEXT NOT NULL,          -- empty for all
    day     BIGINT NOT NULL,       -- days since 1970-01-01 in the zone of the budget
    nano    BIGINT NOT NULL,
    PRIMARY KEY (kind, subject, day)
);
INSERT INTO budget_spent (kind, subject, day, nano)
    SELECT 'all', '', at / 86400000000, CAST(SUM(cost_usd) * 1000000000 AS BIGINT)
    FROM ledger WHERE cost_usd > 0 GROUP BY at / 86400000000;
INSERT INTO budget_spent (kind, subject, day, nano)
    SELECT 'user', owner, at / 86400000000, CAST(SUM(cost_usd) * 1000000000 AS BIGINT)
    FROM ledger WHERE cost_usd > 0 AND owner IS NOT NULL GROUP BY owner, at / 86400000000;
INSERT INTO budget_spent (kind, subject, day, nano)
    SELECT 'character', character, at / 86400000000, CAST(SUM(cost_usd) * 1000000000 AS BIGINT)
    FROM ledger WHERE cost_usd > 0 AND character IS NOT NULL GROUP BY character, at / 86400000000;

-- Money that calls under way may still take.
CREATE TABLE budget_hold (
    id           TEXT PRIMARY KEY,  -- of the row that the ledger will get
    holder       TEXT NOT NULL,     -- the process
    at           BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,  -- by then the call is over
    day          BIGINT NOT NULL,
    nano         BIGINT NOT NULL,  -- the most it may cost
    tokens_in    BIGINT NOT NULL,  -- what it will have read at least once it was sent
    cost_usd     DOUBLE PRECISION NOT NULL,     -- and what that costs
    tier         TEXT NOT NULL,
    model        TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    character    TEXT,
    owner        TEXT,
    guild        TEXT,
    turn         TEXT
);

-- What the operator has been told on a day.
CREATE TABLE budget_notice (
    day  BIGINT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (day, what)
);
