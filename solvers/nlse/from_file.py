"""A field read from a NetCDF file, for instance the last snapshot of another run."""

from pathlib import Path

import jax.numpy as jnp
import netCDF4
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.protocol.parameters import static

from .initial import Initial, Medium


class FromFile(Initial):
    """psi = first variable + i second variable, at one time of a NetCDF file; the grids must have
    equal sizes.

    A variable is (x), (t, x), or (t, member, x). The file is read when the run starts, on the host.
    """

    path: str = static(doc="NetCDF file", path=True, example="data/runs/my_run/run.nc")
    variables: tuple[str, ...] = static(
        ("psi_re", "psi_im"), doc="variables with the real and the imaginary part"
    )
    index: int = static(-1, doc="index of the time; -1 is the last")
    member: int = static(0, doc="index of the member, in a file with members")

    def __call__(
        self, x: Float[Array, " n"], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, " n"]:
        """The field, in the precision of x."""
        parts = self._read(x.size)
        imaginary = parts[1] if len(parts) == 2 else np.zeros_like(parts[0])
        return jnp.asarray(parts[0], x.dtype) + 1j * jnp.asarray(imaginary, x.dtype)

    def exact(self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium) -> None:
        """None is known."""
        return None

    def check(self, n: int, medium: Medium) -> None:
        """The file must exist and hold the variables on n points."""
        self._read(n)

    def _read(self, n: int) -> list[np.ndarray]:
        if not Path(self.path).is_file():
            raise ParameterError(
                "initial.path", f"no file {self.path!r} (working directory {Path.cwd()})"
            )
        if len(self.variables) not in (1, 2):
            raise ParameterError(
                "initial.variables", f"given {len(self.variables)} names, allowed: one or two"
            )
        try:
            with netCDF4.Dataset(self.path) as file:
                return [self._one(file, name, n) for name in self.variables]
        except OSError as error:
            raise ParameterError(
                "initial.path", f"{self.path!r} cannot be read as NetCDF ({error})"
            ) from None

    def _one(self, file: netCDF4.Dataset, name: str, n: int) -> np.ndarray:
        if name not in file.variables:
            raise ParameterError(
                "initial.variables",
                f"no variable {name!r} in {self.path!r}, which has {', '.join(file.variables)}",
            )
        variable = file.variables[name]
        where = (self.index, self.member)[: variable.ndim - 1]
        if variable.ndim > 3 or variable.shape[-1:] != (n,):
            raise ParameterError(
                "initial.variables",
                f"{name!r} in {self.path!r} has the shape {variable.shape}, allowed: n = {n} "
                "points along its last "
                "axis, and t and member at most before it",
            )
        for key, at, size in zip(("index", "member"), where, variable.shape, strict=False):
            if not -size <= at < size:
                raise ParameterError(
                    f"initial.{key}", f"given {at}, allowed: {-size} to {size - 1} for {name!r}"
                )
        values = np.ma.filled(np.ma.asarray(variable[where], float), np.nan)
        if not np.all(np.isfinite(values)):
            raise ParameterError(
                "initial.variables", f"{name!r} in {self.path!r} is not finite everywhere"
            )
        return values
