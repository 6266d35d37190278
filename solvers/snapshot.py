"""Fields read from a NetCDF file, for instance the last snapshot of another run."""

from pathlib import Path
from typing import ClassVar

import netCDF4
import numpy as np

from physent.errors import ParameterError
from physent.protocol import hdf5
from physent.protocol.parameters import Declared, static
from physent.solvers.checks import refuse


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
            not Path(self.path).is_file(),
            "initial.path",
            f"no file {self.path!r} (working directory {Path.cwd()})",
        )
        refuse(
            len(self.variables) not in self.counts,
            "initial.variables",
            f"given {len(self.variables)} names, allowed: {' or '.join(map(str, self.counts))}",
        )
        try:
            with hdf5.opened(self.path) as file:
                return [self._one(file, name, shape, words) for name in self.variables]
        except OSError as error:
            raise ParameterError(
                "initial.path", f"{self.path!r} cannot be read as NetCDF ({error})"
            ) from None

    def _one(
        self, file: netCDF4.Dataset, name: str, shape: tuple[int, ...], words: str
    ) -> np.ndarray:
        refuse(
            name not in file.variables,
            "initial.variables",
            f"no variable {name!r} in {self.path!r}, which has {', '.join(file.variables)}",
        )
        variable = file.variables[name]
        refuse(
            np.dtype(variable.dtype).kind not in "fiub",
            "initial.variables",
            f"{name!r} in {self.path!r} holds {variable.dtype}, allowed: real numbers",
        )
        before = variable.ndim - len(shape)
        refuse(
            not 0 <= before <= 2 or variable.shape[before:] != shape,
            "initial.variables",
            f"{name!r} in {self.path!r} has shape {variable.shape}, allowed: {words}, preceded "
            "at most by t and member",
        )
        where = (self.index, self.member)[:before]
        for key, at, size in zip(("index", "member"), where, variable.shape, strict=False):
            refuse(
                not -size <= at < size,
                f"initial.{key}",
                f"given {at}, allowed: {-size} to {size - 1} for {name!r}",
            )
        values = np.ma.filled(np.ma.asarray(variable[(*where, ...)], float), np.nan)
        refuse(
            not np.all(np.isfinite(values)),
            "initial.variables",
            f"{name!r} in {self.path!r} is not finite everywhere",
        )
        return values
