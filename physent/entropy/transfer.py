"""Transfer entropy: what the past of a source tells about the next value of a target beyond the
target's own past.

T = I(y_t; x_(t-u), ..., x_(t-u-l+1) | y_(t-1), ..., y_(t-k)) with k values of the target's past, l
of the source's and the delay u. Schreiber, Phys. Rev. Lett. 85, 461 (2000). Not a proof of
influence: a common driver makes it positive.
"""

import equinox as eqx
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.continuous.ksg import ksg_conditional_mutual_information
from physent.entropy.continuous.nearest_neighbour import Method
from physent.entropy.discrete.counting import as_floating
from physent.entropy.discrete.estimators import Estimator, PlugIn
from physent.entropy.information import (
    combine_symbols,
    covariance_of,
    discrete_conditional_mutual_information,
    gaussian_information,
)

_PLUG_IN = PlugIn()


def lagged(
    source: ArrayLike,
    target: ArrayLike,
    k: int,
    l: int,  # noqa: E741
    delay: int,
) -> tuple[Array, list[Array], list[Array]]:
    """The target's present, the source's past (l arrays) and the target's past (k arrays), each
    (..., N - lost).
    """
    source, target = jnp.asarray(source), jnp.asarray(target)
    if source.shape != target.shape:
        raise ValueError(f"source and target have different shapes: {source.shape}, {target.shape}")
    lost = max(k, delay + l - 1)
    n = target.shape[-1] - lost
    if n < 1 or k < 1 or l < 1 or delay < 1:
        raise ValueError(
            f"k = {k}, l = {l}, delay = {delay} must be at least 1 and fit into {target.shape[-1]} "
            "steps"
        )
    present = target[..., lost:]
    own = [target[..., lost - i : lost - i + n] for i in range(1, k + 1)]
    other = [source[..., lost - delay - i : lost - delay - i + n] for i in range(l)]
    return present, other, own


@eqx.filter_jit
def discrete_transfer_entropy(
    source: ArrayLike,
    target: ArrayLike,
    sizes: tuple[int, int],
    k: int = 1,
    l: int = 1,  # noqa: E741
    delay: int = 1,
    estimator: Estimator = _PLUG_IN,
) -> Array:
    """Transfer entropy between symbol sequences (..., N), in nats; `sizes` counts the source's and
    target's symbols.

    Plug-in bias: upwards, about (possible pasts)(symbols - 1)/(2N): test it against shuffled
    sources.
    """
    present, other, own = lagged(source, target, k, l, delay)
    past_other, n_other = combine_symbols(other, [sizes[0]] * l)
    past_own, n_own = combine_symbols(own, [sizes[1]] * k)
    return discrete_conditional_mutual_information(
        present, past_other, past_own, (sizes[1], n_other, n_own), estimator
    )


def ksg_transfer_entropy(
    source: ArrayLike,
    target: ArrayLike,
    k: int = 1,
    l: int = 1,  # noqa: E741
    delay: int = 1,
    neighbours: int = 4,
    method: Method = "pairs",
) -> Array:
    """Transfer entropy between continuous series (..., N), in nats, by nearest neighbours (Frenzel
    and Pompe).

    Scale both series alike: distances are compared across them. Bias: towards zero.
    """
    present, other, own = lagged(source, target, k, l, delay)
    return ksg_conditional_mutual_information(
        present[..., None],
        jnp.stack(other, axis=-1),
        jnp.stack(own, axis=-1),
        neighbours,
        method=method,
    )


@eqx.filter_jit
def gaussian_transfer_entropy(
    source: ArrayLike,
    target: ArrayLike,
    k: int = 1,
    l: int = 1,  # noqa: E741
    delay: int = 1,
) -> Array:
    """Transfer entropy between series (..., N) as if jointly Gaussian, in nats: half the Granger
    causality.

    Barnett, Barrett and Seth, Phys. Rev. Lett. 103, 238701 (2009). Bias: +l/(2N) to first order.
    """
    present, other, own = lagged(source, target, k, l, delay)
    samples = as_floating(jnp.stack([present, *other, *own], axis=-1))
    return gaussian_information(
        covariance_of(samples), [0], range(1, 1 + l), range(1 + l, 1 + l + k)
    )
