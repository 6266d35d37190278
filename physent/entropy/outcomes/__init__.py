"""What counts as an outcome, one file each; `kinds` is their table, `space` what they have in common."""
