"""The weight of a density: what a diagnostic of potential energy multiplies it by."""

from typing import Any

import numpy as np
from jaxtyping import Array

from physent.protocol.diagnostic import Observed
from physent.protocol.parameters import known


def weight(gravity: Array | float | None, observed: Observed) -> Any:
    """What is given, or by default the parameter `buoyancy` of the solver.

    Raises ValueError where there is neither, or where both are and differ.
    """
    live = observed.system()
    own = None if live is None else getattr(live[0], "buoyancy", None)
    if gravity is None and own is None:
        raise ValueError(
            "gravity must be given, since no solver with a parameter buoyancy is there to take it "
            "from"
        )
    if gravity is None or own is None:
        return own if gravity is None else gravity
    if known(gravity, own) and not np.allclose(gravity, own, rtol=1e-6):
        raise ValueError(
            f"gravity is {float(gravity):g}, but the solver's buoyancy {float(own):g}: leave "
            "gravity out"
        )
    return gravity


def check_upright(observed: Observed, name: str) -> None:
    """Raise a ValueError where `name` is not a field over a horizontal and then a bounded vertical
    axis.
    """
    dims = observed.grid(name)
    if [position for position, _ in dims] != [-2, -1]:
        raise ValueError(
            f"{name} must have two grid axes, horizontal then vertical, and they must be its last"
        )
    if dims[-1][1].periodic:
        raise ValueError(
            f"{name} has no potential energy: its vertical axis, {dims[-1][1].name}, is periodic"
        )
