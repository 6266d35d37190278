"""Docstrings are plain text with `code`; this makes reStructuredText of them, whatever signs their
formulas hold.

A declared class (a solver, a diagnostic, a measure) is shown with the list of its parameters
instead of a signature.
"""

import inspect
import re
from collections.abc import Iterator

from sphinx.application import Sphinx

from physent.protocol.parameters import Declared, declarations


def escaped(line: str) -> str:
    """The line with every sign that means something to reStructuredText made plain, and `code` kept
    as code.
    """
    parts = re.split(r"(``[^`]+``|`[^`]+`)", line)
    return "".join(
        f"``{part.strip('`').strip()}``"
        if part.startswith("`") and i % 2
        else re.sub(r"([\\*|_`])", r"\\\1", part)
        for i, part in enumerate(parts)
    )


def converted(lines: list[str]) -> Iterator[str]:
    """The lines of a docstring, its lists kept and its indented blocks literal."""
    inside, before = False, ""
    for line in lines:
        indented, item = line.startswith("    "), line.startswith(("- ", "  "))
        if indented and not inside and not before.startswith(("- ", "  ")):
            yield from ("::", "")
            inside = True
        elif inside and line and not indented:
            yield ""
            inside = False
        if (
            not inside
            and before
            and bool(line)
            and line.startswith("- ")
            and not before.startswith(("- ", "  "))
        ):
            yield ""
        yield line if inside else (line[:2] + escaped(line[2:]) if item else escaped(line))
        before = line


def _declared(what: str, thing: object) -> bool:
    return (
        what == "class"
        and inspect.isclass(thing)
        and issubclass(thing, Declared)
        and bool(declarations(thing))
    )


def _docstring(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    result = list(converted(lines))
    if _declared(what, thing):
        result.append("")
        for declaration in declarations(thing).values():  # type: ignore[arg-type]
            default = "" if declaration.required else f" = {declaration.default!r}"
            result.append(
                f"- ``{declaration.name}{default}``: {escaped(declaration.doc)} "
                f"({escaped(declaration.allowed)})"
            )
        result.append("")
    lines[:] = result


def _signature(
    app: Sphinx, what: str, name: str, thing: object, *rest: object
) -> tuple[str, str] | None:
    return ("", "") if _declared(what, thing) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers both."""
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
