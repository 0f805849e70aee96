-- Keeps the numbers of the engines together: this step concerns SQLite only.
SELECT 1;
