"""Vortices of a field in a plane: where they are, and fields that begin with some."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics.products import scale
from physent.protocol.parameters import as_number, param
from physent.protocol.starts import Start
from physent.solvers.checks import refuse, require_length

_TERMS = 8  # of a theta function, for boxes that are not much longer than wide


class Vortices(NamedTuple):
    """Places (count, 2) in the coordinates of the box, and the turns of the phase round each."""

    places: np.ndarray
    charges: np.ndarray


def find_vortices(psi: Any, lengths: tuple[float, float], least: float = 0.0) -> Vortices:
    """The vortices of psi on a periodic plane [-length/2, length/2): cells round which the phase
    turns, with the zero of the plane through the four values at its corners.

    Args:
        psi: values at the points of the grid, (n_x, n_y).
        lengths: of the box along x and y.
        least: vortices where the mean of |psi|^2 over the sixteen nearest points is below this
            part of its largest value are left out, as those in empty space.
    """
    psi = np.asarray(psi)
    corners = [np.roll(psi, (-i, -j), (0, 1)) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    turns = [np.angle(b * np.conj(a)) for a, b in pairs]
    charges = np.rint(sum(turns) / (2 * np.pi)).astype(int)
    density, near = np.abs(psi) ** 2, (-1, 0, 1, 2)
    wide = sum(np.roll(density, (-i, -j), (0, 1)) for i in near for j in near) / 16
    charges = np.where(wide >= least * density.max(), charges, 0)
    at = np.argwhere(charges != 0)
    places = np.empty((len(at), 2))
    for row, (i, j) in enumerate(at):
        a, b, c, d = (corner[i, j] for corner in corners)
        along_x, along_y, middle = (b + c - a - d) / 2, (c + d - a - b) / 2, (a + b + c + d) / 4
        slopes = np.array([[along_x.real, along_y.real], [along_x.imag, along_y.imag]])
        try:
            inside = -np.linalg.solve(slopes, [middle.real, middle.imag])
        except np.linalg.LinAlgError:
            inside = np.zeros(2)
        own = np.array([i, j]) + 0.5 + np.clip(inside, -0.5, 0.5)
        places[row] = (own / psi.shape - 0.5) * lengths
    return Vortices(places, charges[tuple(at.T)])


class VortexStart(Start):
    """A gas of one density with vortices, whose charges add up to 0, on a periodic plane.

    The phase is that of theta functions, psi/|psi| = prod_j [theta_1(pi (z - z_j)/L_x)]^charge_j,
    turned by what makes it periodic along y; |psi| falls to 0 as r/sqrt(r^2 + 2 xi^2) towards each,
    xi = sqrt(beta/(|g| density)).
    """

    density: Array = param(default=1.0, converter=as_number, gt=0, doc="|psi|^2 far away")
    position: Array = param(
        default=((-1.0, -2.0), (-1.0, 2.0)),
        converter=as_number,
        ndim=2,
        doc="place of each, [x, y]",
        units="length",
    )
    charge: Array = param(
        default=(1.0, -1.0), converter=as_number, ndim=1, doc="turns of the phase round each"
    )

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """See `Start`."""
        (x, y), lengths = solver.basis.coordinates(), solver.basis.lengths
        core = solver.dispersion / (jnp.abs(solver.nonlinearity) * self.density)
        size, phase = jnp.sqrt(self.density), jnp.zeros_like(x)
        for place, charge in zip(self.position, self.charge, strict=True):
            away = [
                jnp.mod(r - c + length / 2, length) - length / 2
                for r, c, length in zip((x, y), place, lengths, strict=True)
            ]
            square = away[0] ** 2 + away[1] ** 2
            size = size * jnp.sqrt(square / (square + 2 * core)) ** jnp.abs(charge)
            phase = phase + charge * _theta_phase(x - place[0], y - place[1], *lengths)
        moment = jnp.sum(self.charge * self.position[:, 0])
        phase = phase - 2 * jnp.pi * moment * y / (lengths[0] * lengths[1])
        return {"psi": scale(size, jnp.exp(1j * phase))}

    def check(self, solver: Any) -> None:
        """In a plane, with as many charges as places, which add up to 0."""
        if len(solver.basis.shape) != 2:
            words = f"given vortices on {len(solver.basis.shape)} axes, allowed: two"
            raise ParameterError("initial", words)
        refuse(np.shape(self.position)[-1] != 2, "initial.position", "allowed: pairs [x, y]")
        count = np.shape(self.position)[-2]
        require_length(self, ("charge",), count, f"one for each of {count} places", "initial.")
        total = np.sum(np.asarray(self.charge), axis=-1)
        refuse(np.any(total != 0), "initial.charge", "given a sum that is not 0, which no box has")


def _theta_phase(
    x: Float[Array, "..."], y: Float[Array, "..."], width: Array, height: Array
) -> Float[Array, "..."]:
    """The argument of theta_1(pi (x + i y)/width) with the nome e^{-pi height/width}."""
    u: Complex[Array, ...] = (math.pi / width) * (x + 1j * y)
    total = jnp.zeros_like(u)
    for m in range(_TERMS):
        weight = jnp.exp(-math.pi * height / width * (m + 0.5) ** 2) * (-1) ** m
        total = total + weight * jnp.sin((2 * m + 1) * u)
    return jnp.angle(total)
