"""What counts as an outcome, a file for each sort; `kinds` is their table, `space` what they have
in common.
"""
