"""Fields read from a NetCDF file, for instance the last snapshot of another run."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from physent.protocol.given import opened, read_variable
from physent.protocol.parameters import Declared, static
from physent.solvers.checks import refuse

if TYPE_CHECKING:
    import netCDF4


class Snapshot(Declared):
    """Variables at one time of a NetCDF file, with the axes of the field, preceded at most by t, or
    t and member.

    `counts` says how many names may be given.
    """

    counts: ClassVar[tuple[int, ...]]
    path: str = static(doc="NetCDF file", path=True, example="data/runs/my_run/run.nc")
    variables: tuple[str, ...] = static(doc="names of the variables")
    index: int = static(-1, doc="index of the time; -1 is the last")
    member: int = static(0, doc="index of the member, in a file with members")

    def read(self, shape: tuple[int, ...], words: str) -> list[np.ndarray]:
        """The fields on the host, which must be finite and have this shape (`words` in messages).

        Raises ParameterError.
        """
        refuse(
            len(self.variables) not in self.counts,
            "initial.variables",
            f"given {len(self.variables)} names, allowed: {' or '.join(map(str, self.counts))}",
        )
        with opened(self.path, "initial.path") as file:
            return [self._one(file, name, shape, words) for name in self.variables]

    def _one(
        self, file: "netCDF4.Dataset", name: str, shape: tuple[int, ...], words: str
    ) -> np.ndarray:
        key, there = "initial.variables", file.variables
        variable = there.get(name)
        refuse(
            variable is None,
            key,
            f"no variable {name!r} in {self.path!r}, which has {', '.join(there)}",
        )
        assert variable is not None
        before = variable.ndim - len(shape)
        refuse(
            not 0 <= before <= 2 or variable.shape[before:] != shape,
            key,
            f"{name!r} in {self.path!r} has shape {variable.shape}, allowed: {words}, preceded "
            "at most by t and member",
        )
        return read_variable(file, name, len(shape), self.index, self.member, key, "initial.")
