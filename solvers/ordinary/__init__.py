"""Ordinary differential equations, maps and Hamiltonian systems: `Ordinary`."""

from .equation import Ordinary, OrdinaryState
from .finding import SYSTEMS
from .systems import System

__all__ = ["SYSTEMS", "Ordinary", "OrdinaryState", "System"]
