"""How a field equation begins: random fields of a given spectrum, and fields of one's own, from an
array, a function of the coordinates, or a file, on this grid or another one.
"""

import abc
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics.basis import Basis
from physent.protocol.parameters import Declared, as_number, param, static
from physent.protocol.sampled import GivenOnGrid


class Start(Declared):
    """The unknowns of a field equation at t = 0, and their exact evolution where it has a closed
    form.
    """

    @abc.abstractmethod
    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """The unknowns at t = 0. It is traced.

        **Arguments:**

        - `solver`: the solver, whose `basis` has the grid and whose parameters are the equation's.
        - `key`: the random key of the member.

        **Returns:**

        Values at the points of the grid, `solver.basis.coordinates()`, by the name of the unknown.
        """

    def exact(self, solver: Any, t: Float[Array, ""]) -> dict[str, Array]:
        """The exact solution at time t, like `__call__`, where it is known. It is traced.

        **Arguments:**

        - `solver`: the solver.
        - `t`: the time.

        **Returns:**

        Values by the name of the observable; none by default.
        """
        return {}

    def check(self, solver: Any) -> None:
        """Raise ParameterError if the start does not fit the solver. By default any does.

        **Arguments:**

        - `solver`: the solver.
        """


class RandomStart(Start):
    """A smooth random field about a mean: Gaussian, with variance ~ exp(-(|m|/m_0)^2) in the modes
    with m wavelengths in the box.

    The same key gives the same function on every grid that resolves it. Each unknown has a field of
    its own, without a mean over the box unless it is odd at walls.
    """

    amplitude: Array = param(
        default=0.1, converter=as_number, ge=0, doc="root mean square of the field about its mean"
    )
    wavelengths: int = static(4, ge=1, doc="m_0, a typical number of wavelengths in the box")
    mean: Array = param(default=0.0, converter=as_number, doc="mean of the field")

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """See `Start`."""
        basis, names = solver.basis, solver.unknowns()
        keys = jax.random.split(key, len(names))
        return {
            name: self.mean
            + self.amplitude * random_field(basis, solver.parity(name), each, self.wavelengths)
            for name, each in zip(names, keys, strict=True)
        }


def random_field(
    basis: Basis, parity: tuple[int, ...], key: PRNGKeyArray, wavelengths: int
) -> Array:
    """A smooth random field of unit variance, typically with so many wavelengths in the box, drawn
    on a grid that knows nothing of this one.
    """
    shape = (8 * wavelengths,) * len(basis.shape)
    coarse = basis.with_points(shape)
    noise = jax.random.normal(key, (2 - basis.real, *shape), basis.dtype)
    drawn = noise[0] if basis.real else jax.lax.complex(noise[0], noise[1]) / math.sqrt(2)
    modes = coarse.modes(drawn, parity)
    square = sum(
        (np.reshape(coarse.numbers(i), [-1 if i == j else 1 for j in range(len(shape))])
         * (0.5 if wall else 1.0)) ** 2
        for i, wall in enumerate(basis.walls)
    )  # fmt: skip
    weight = np.exp(-0.5 * np.asarray(square) / wavelengths**2)
    weight[np.asarray(square) == 0] = 0
    counted = np.asarray(coarse.weights()) * weight**2
    for i, wall in enumerate(basis.walls):
        if wall:  # white noise has as much in each cosine, though each counts half
            numbers = coarse.numbers(i)
            own = np.where(numbers == 0, 1.0 if parity[i] > 0 else 0.0, 2.0)
            counted = counted * own.reshape([-1 if i == j else 1 for j in range(len(shape))])
    # the variance of white noise after the filter, mode by mode
    factor = weight / math.sqrt(counted.sum() / math.prod(shape))
    return coarse.values(modes * jnp.asarray(factor, basis.dtype), parity, basis.shape)


class GivenFields(GivenOnGrid, Start):
    """The unknowns from arrays, a function of the coordinates, or a file."""

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """See `Start`."""
        basis, names = solver.basis, solver.unknowns()
        values = self.on_grid(basis, [solver.parity(name) for name in names])
        if basis.real:
            values = [each.astype(basis.dtype) for each in values]
        return dict(zip(names, values, strict=True))

    def check(self, solver: Any) -> None:
        """There must be a value for each unknown, on as many axes as the grid has."""
        names = solver.unknowns()
        if len(self.names) != len(names):
            words = (
                f"given {', '.join(self.names)}, allowed: values of {', '.join(names)}, in order"
            )
            raise ParameterError("initial", words)
        self.fits(solver.basis, "initial")
        if jnp.iscomplexobj(self.fields_) and solver.basis.real:
            raise ParameterError("initial", "given complex values for a real field")


STARTS: dict[str, type[Start]] = {"random": RandomStart}
