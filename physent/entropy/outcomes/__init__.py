"""Outcome spaces, one file per group; `kinds` is their table, `space` their common base."""
