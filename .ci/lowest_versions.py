"""Prints the oldest versions allowed, as constraints for pip: python lowest_versions.py
pyproject.toml

Those of the package itself only: what its tests need is for whoever tests it.
"""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement


def lowest(pyproject: Path) -> list[str]:
    """name==version for every dependency; one without a lower bound is an error."""
    lines = []
    for text in tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]:
        requirement = Requirement(text)
        bounds = [given.version for given in requirement.specifier if given.operator == ">="]
        if len(bounds) != 1:
            raise SystemExit(f"{pyproject}: {text!r} has no lower bound")
        lines.append(f"{requirement.name}=={bounds[0]}")
    return lines


if __name__ == "__main__":
    print("\n".join(lowest(Path(sys.argv[1]))))
