"""Differential entropy of one-dimensional samples from the spacings of their order statistics."""

import math
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import digamma
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.discrete.counting import as_floating

Form = Literal["vasicek", "ebrahimi", "van_es", "correa"]


@eqx.filter_jit
def spacing_entropy(x: ArrayLike, form: Form = "vasicek", window: int | None = None) -> Array:
    """Differential Shannon entropy of samples along the last axis by m-spacings, in nats.

    - vasicek: (1/N) sum ln[(N/2m)(x_(i+m) - x_(i-m))], order statistics clamped at the ends (J. R.
      Stat. Soc. B 38, 54, 1976);
    - ebrahimi: 2 replaced by c_i, smaller towards the ends (Stat. Probab. Lett. 20, 225, 1994);
    - van_es: (1/(N-m)) sum ln[((N+1)/m)(x_(i+m) - x_(i))] + sum_(k=m)^N 1/k + ln m - ln(N+1)
      (Scand. J. Stat. 19, 61, 1992);
    - correa: local slopes by least squares (Commun. Stat. Theory Methods 24, 2439, 1995).

    The window is m, by default floor(sqrt(N) + 1/2). Sorts, once. Bias: downwards for vasicek, by
    its clamped ends, which the others lessen (standard Gaussian, N = 100: about -0.12). More than m
    equal samples give -inf.
    """
    x = jnp.sort(as_floating(jnp.asarray(x)), axis=-1)
    n = x.shape[-1]
    m = math.floor(math.sqrt(n) + 0.5) if window is None else window
    if not 1 <= m < n / 2:
        raise ValueError(f"window = {m} for {n} samples, allowed: 1 to less than half of them")
    if form == "van_es":
        spacing = x[..., m:] - x[..., :-m]
        harmonic = digamma(jnp.asarray(n + 1, x.dtype)) - digamma(jnp.asarray(m, x.dtype))
        return (
            jnp.mean(jnp.log((n + 1) / m * spacing), axis=-1)
            + harmonic
            + math.log(m)
            - math.log(n + 1)
        )
    wide = [(0, 0)] * (x.ndim - 1) + [(m, m)]
    clamped = jnp.pad(x, wide, mode="edge")
    if form == "correa":
        windows = jnp.stack([clamped[..., j : j + n] for j in range(2 * m + 1)], axis=-1)
        centred = windows - jnp.mean(windows, axis=-1, keepdims=True)
        step = jnp.broadcast_to(jnp.arange(-m, m + 1, dtype=x.dtype), windows.shape)
        slope = jnp.sum(centred * step, axis=-1) / (n * jnp.sum(centred**2, axis=-1))
        return -jnp.mean(jnp.log(slope), axis=-1)
    spacing = clamped[..., 2 * m :] - clamped[..., : -2 * m]
    if form == "vasicek":
        return jnp.mean(jnp.log(n / (2 * m) * spacing), axis=-1)
    i = jnp.arange(1, n + 1, dtype=x.dtype)
    from_the_end = jnp.minimum(jnp.minimum(i - 1, n - i), m)
    weight = (1 + from_the_end / m).reshape((1,) * (x.ndim - 1) + (n,))
    return jnp.mean(jnp.log(n * spacing / (weight * m)), axis=-1)
