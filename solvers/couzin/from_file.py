"""A school read from a NetCDF file, for instance the last snapshot of another run."""

from pathlib import Path

import jax.numpy as jnp
import netCDF4
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from physent.entropy.schools.directions import unit
from physent.errors import ParameterError
from physent.protocol.parameters import static

from .initial import Initial, Start


class FromFile(Initial):
    """Positions and headings at one time of a NetCDF file, with as many fish and components as the
    school.

    A variable is (fish, component), (t, fish, component), or (t, member, fish, component). The file
    is read when the run starts, on the host.
    """

    path: str = static(doc="NetCDF file", path=True, example="data/runs/my_run/run.nc")
    variables: tuple[str, ...] = static(
        ("position", "heading"), doc="variables with the positions and the headings"
    )
    index: int = static(-1, doc="index of the time; -1 is the last")
    member: int = static(0, doc="index of the member, in a file with members")

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array | None, dtype: jnp.dtype
    ) -> Start:
        """The school, its headings normalised."""
        position, heading = (jnp.asarray(values.T, dtype) for values in self._read(shape))
        return position, unit(heading, axis=0)

    def check(self, shape: tuple[int, int], length: Array | None) -> None:
        """The file must exist and hold both variables, of this shape."""
        self._read(shape)

    def _read(self, shape: tuple[int, int]) -> list[np.ndarray]:
        if not Path(self.path).is_file():
            raise ParameterError(
                "initial.path", f"no file {self.path!r} (working directory {Path.cwd()})"
            )
        if len(self.variables) != 2:
            raise ParameterError(
                "initial.variables", f"given {len(self.variables)} names, allowed: two"
            )
        try:
            with netCDF4.Dataset(self.path) as file:
                return [self._one(file, name, shape) for name in self.variables]
        except OSError as error:
            raise ParameterError(
                "initial.path", f"{self.path!r} cannot be read as NetCDF ({error})"
            ) from None

    def _one(self, file: netCDF4.Dataset, name: str, shape: tuple[int, int]) -> np.ndarray:
        if name not in file.variables:
            raise ParameterError(
                "initial.variables",
                f"no variable {name!r} in {self.path!r}, which has {', '.join(file.variables)}",
            )
        variable = file.variables[name]
        if not 2 <= variable.ndim <= 4 or variable.shape[-2:] != shape[::-1]:
            raise ParameterError(
                "initial.variables",
                f"{name!r} in {self.path!r} has the shape {variable.shape}, allowed: n = "
                f"{shape[1]} fish and "
                f"{shape[0]} components along its last axes, and t and member at most before them",
            )
        where = (self.index, self.member)[: variable.ndim - 2]
        for key, at, size in zip(("index", "member"), where, variable.shape, strict=False):
            if not -size <= at < size:
                raise ParameterError(
                    f"initial.{key}", f"given {at}, allowed: {-size} to {size - 1} for {name!r}"
                )
        values = np.ma.filled(
            np.ma.asarray(variable[where] if where else variable[:], float), np.nan
        )
        if not np.all(np.isfinite(values)):
            raise ParameterError(
                "initial.variables", f"{name!r} in {self.path!r} is not finite everywhere"
            )
        return values
