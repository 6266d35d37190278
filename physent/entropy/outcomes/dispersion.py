"""Dispersion patterns: the outcome is a word of amplitude classes."""

import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array

from physent.entropy.discrete.counting import as_floating, count_symbols, poison
from physent.entropy.outcomes.ordinal import windows
from physent.entropy.outcomes.space import OutcomeSpace
from physent.protocol.parameters import static


class Dispersion(OutcomeSpace):
    """Words of `order` amplitude classes, `delay` apart, classes^order outcomes.

    A value belongs to class floor(c Phi((x - mean)/std)), Phi the normal distribution function, so
    that the classes of a Gaussian signal are equally likely. Rostaghi and Azami, IEEE Signal
    Process. Lett. 23, 610 (2016). The standard deviation divides by N (`ddof` = 1: by N - 1). A
    constant series has one word.
    """

    classes: int = static(6, doc="number of amplitude classes", ge=2, le=32)
    order: int = static(2, doc="number of values in a word", ge=1, le=6)
    delay: int = static(1, doc="steps between the values of a word", ge=1)
    ddof: int = static(0, doc="0 or 1: what the variance's divisor lacks to N", ge=0, le=1)

    def tally(self, x: Array) -> Array:
        """The number of windows with every word."""
        x = as_floating(x)
        size = self.classes**self.order
        if size > 1_000_000:
            raise ValueError(
                f"{self.classes} classes and order {self.order} make {size} words, allowed: "
                "1,000,000"
            )
        std = jnp.std(x, axis=1, ddof=self.ddof, keepdims=True)
        scaled = (x - jnp.mean(x, axis=1, keepdims=True)) / jnp.where(
            std == 0, jnp.ones_like(std), std
        )
        level = jnp.clip(jnp.floor(ndtr(scaled) * self.classes), 0, self.classes - 1)
        level = jnp.where(jnp.isnan(level), jnp.zeros_like(level), level).astype(jnp.int32)
        word = jnp.zeros((), jnp.int32)
        for value in windows(level, self.order, self.delay):
            word = word * self.classes + value
        return poison(count_symbols(word, size, dtype=x.dtype), x)
