-- The words of a row stand in the index together with where it belongs: its place, and its author's words anywhere. So a
-- search looks at what its viewer may read only, instead of at everybody's rows that hold a frequent word. (Which rows may
-- be read is still decided on the rows themselves; this narrows, and a token that two share would cost time only.)
DROP TRIGGER memory_words_insert;
DROP TRIGGER memory_words_delete;
DROP TRIGGER memory_words_update;
DROP TABLE memory_words;

ALTER TABLE memory ADD COLUMN held TEXT GENERATED ALWAYS AS (
    's' || hex(character || ' ' || scope) || COALESCE(' a' || hex(character || ' ' || author), '')
) VIRTUAL;

CREATE VIRTUAL TABLE memory_words USING fts5 (
    text, held, content = 'memory', content_rowid = 'seq', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER memory_words_insert AFTER INSERT ON memory BEGIN
    INSERT INTO memory_words (rowid, text, held) VALUES (new.seq, new.text, new.held);
END;
CREATE TRIGGER memory_words_delete AFTER DELETE ON memory BEGIN
    INSERT INTO memory_words (memory_words, rowid, text, held) VALUES ('delete', old.seq, old.text, old.held);
END;
CREATE TRIGGER memory_words_update AFTER UPDATE OF text, character, scope, author ON memory BEGIN
    INSERT INTO memory_words (memory_words, rowid, text, held) VALUES ('delete', old.seq, old.text, old.held);
    INSERT INTO memory_words (rowid, text, held) VALUES (new.seq, new.text, new.held);
END;

-- As before: few segments (0002), and what is deleted leaves no word behind (0004).
INSERT INTO memory_words (memory_words, rank) VALUES ('crisismerge', 4);
INSERT INTO memory_words (memory_words, rank) VALUES ('secure-delete', 1);
INSERT INTO memory_words (memory_words) VALUES ('rebuild');
