"""Small Langevin systems with exact answers: `LinearLangevin` and `TiltedRing`."""

from .linear import (
    BeadSpring,
    CoupledAOUPs,
    Gyrator,
    LinearLangevin,
    LinearSystem,
    Matrix,
    TrappedAOUP,
)
from .ring import TiltedRing

__all__ = [
    "BeadSpring",
    "CoupledAOUPs",
    "Gyrator",
    "LinearLangevin",
    "LinearSystem",
    "Matrix",
    "TiltedRing",
    "TrappedAOUP",
]
