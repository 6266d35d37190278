"""A multilayer perceptron, for a few variables."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.learning.model import Network, Score, Values, noisy
from physent.learning.system import System
from physent.numerics.products import with_all_digits
from physent.protocol.parameters import static

ACTIVATIONS = {"silu": jax.nn.silu, "gelu": jax.nn.gelu, "tanh": jnp.tanh}


class Perceptron(Score):
    """s = W' f(W (X - mean)) of all variables X of a sample together, with a multilayer perceptron
    f.

    W whitens the samples, W cov W' = 1, so that f and its argument are of order 1 whatever the
    units. Coordinates of a periodic axis enter f by their cosine and sine instead, and leave it
    multiplied by 2 pi over the period. Where walkers are independent copies, each is a sample;
    elsewhere the whole state is.
    """

    layers: eqx.nn.MLP
    mean: Float[Array, " d"]
    whitening: Float[Array, "d d"]
    wavenumber: Float[Array, " d"]
    names: tuple[str, ...] = eqx.field(static=True)
    learned: tuple[str, ...] = eqx.field(static=True)

    @with_all_digits
    def __call__(self, system: System, state: Any) -> dict[str, Array]:
        """s of every walker, or of the state."""
        values = {name: getattr(state, name) for name in self.names}
        if not system.independent():
            return self._one(values)
        walkers = {name: value[:, None] for name, value in values.items()}
        return {name: value[:, 0] for name, value in jax.vmap(self._one)(walkers).items()}

    def _one(self, values: Values) -> dict[str, Array]:
        """s of one sample."""
        mean, whitening, wavenumber = jax.lax.stop_gradient(
            (self.mean, self.whitening, self.wavenumber)
        )
        x = jnp.concatenate([jnp.ravel(values[name]) for name in self.names])
        turns, turn = wavenumber > 0, wavenumber * x
        straight = whitening @ jnp.where(turns, jnp.zeros_like(x), x - mean)
        first = jnp.where(turns, jnp.cos(turn), straight)
        second = jnp.where(turns, jnp.sin(turn), jnp.zeros_like(x))
        out = self.layers(jnp.concatenate([first, second]))
        s = jnp.where(
            turns, wavenumber * out, whitening.T @ jnp.where(turns, jnp.zeros_like(x), out)
        )
        ends = np.cumsum([values[name].size for name in self.names])
        each = dict(zip(self.names, jnp.split(s, ends[:-1]), strict=True))
        return {name: each[name].reshape(values[name].shape) for name in self.learned}


class MultilayerPerceptron(Network):
    """A multilayer perceptron of all variables together: for few variables, walkers or very small
    systems.
    """

    width: int = static(64, doc="units in each hidden layer", ge=1)
    depth: int = static(2, doc="hidden layers", ge=1)
    activation: Literal["silu", "gelu", "tanh"] = static(
        "silu", doc="activation function of each hidden layer"
    )

    def build(self, system: System, samples: Values, key: PRNGKeyArray) -> Score:
        """With the moments of the samples, and random layers."""
        names = tuple(system.parity())
        flat = jnp.concatenate(
            [samples[name].reshape(len(samples[name]), -1) for name in names], axis=1
        )
        wavenumber = jnp.concatenate(
            [_wavenumbers(system, name, samples[name].shape[1:]) for name in names]
        ).astype(flat.dtype)
        size = flat.shape[1]
        layers = eqx.nn.MLP(
            2 * size,
            size,
            self.width,
            self.depth,
            ACTIVATIONS[self.activation],
            dtype=flat.dtype,
            key=key,
        )
        mean, whitening = _moments(jnp.where(wavenumber[None, :] > 0, jnp.zeros_like(flat), flat))
        learned = noisy(system, system.at({name: samples[name][0] for name in names}))
        return Perceptron(layers, mean, whitening, wavenumber, names, learned)


def _wavenumbers(system: System, name: str, shape: tuple[int, ...]) -> Array:
    """2 pi over the period of each component that is a coordinate along a periodic axis, 0 for the
    others.
    """
    axes, each = system.domain().axes, [jnp.zeros(())] * shape[-1]
    if system.variables()[name].role == "position" and len(axes) == len(each):
        each = [
            2 * jnp.pi / axis.length if axis.periodic and axis.length is not None else zero
            for axis, zero in zip(axes, each, strict=True)
        ]
    return jnp.broadcast_to(jnp.stack(each), shape).ravel()


@jax.jit
@with_all_digits
def _moments(flat: Float[Array, "samples d"]) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Mean and a whitening matrix; a variable that does not vary is left as it is."""
    mean = jnp.mean(flat, axis=0)
    centred = flat - mean[None, :]
    covariance = centred.T @ centred / flat.shape[0]
    scale = jnp.sqrt(jnp.diag(covariance))
    scale = jnp.where(scale > 0, scale, jnp.ones_like(scale))
    values, vectors = jnp.linalg.eigh(covariance / (scale[:, None] * scale[None, :]))
    # a direction that hardly varies is not blown up by more than 10^3
    largest = jnp.where(values[-1:] > 0, values[-1:], jnp.ones_like(values[-1:]))
    inverse = jax.lax.rsqrt(jnp.maximum(values, 1e-6 * largest))
    return mean, (inverse[:, None] * vectors.T) / scale[None, :]
