"""Writes the tables of old names into docs/what_changed.md from physent/protocol/moved.py:
python docs/make_what_changed.py (a test holds the page to them).
"""

from pathlib import Path

from physent.protocol import moved

PAGE = Path(__file__).with_name("what_changed.md")
MARK = "<!-- The tables below are written by python docs/make_what_changed.py. -->\n"


def tables() -> str:
    """Kinds, modules and single names, each with what it is called now."""
    kinds = [
        (f'kind = "{old}"', f'kind = "{new}"')
        for names in moved.KINDS.values()
        for old, new in names.items()
    ]
    modules = [
        (f"physent.{path}", *(f"physent.{place}" for place in places))
        for path, places in moved.PATHS.items()
    ]
    names = [
        (f"physent.{path}.{name}", f"physent.{now}")
        for path, parts in moved.NAMES.items()
        for name, now in parts.items()
    ]
    parts = []
    for title, rows in (("Kinds", kinds), ("Modules", modules), ("Names", names)):
        lines = [f"### {title}\n", "| in 0.1 | in 0.2 |", "|---|---|"]
        lines += [f"| `{old}` | {', '.join(f'`{x}`' for x in new)} |" for old, *new in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def page() -> str:
    """The page with its tables as they should be."""
    words, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    return f"{words}{mark}\n{tables()}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
