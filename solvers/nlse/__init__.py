"""The nonlinear Schroedinger equation: `NLSE`, its initial conditions, potentials, interactions and
losses, and its ground states.
"""

from .breathers import Akhmediev, KuznetsovMa, Peregrine
from .equation import NLSE, NLSEState
from .excitations import Excitations, bogoliubov
from .ground import Ground, GroundStart, ground_state
from .initial import Initial, Medium
from .interaction import Cubic, CubicQuintic, Dipolar, Interaction, Saturable
from .losses import Absorber, Damping, Gain, Losses, NoLosses
from .potential import (
    Barrier,
    Box,
    Harmonic,
    Lattice,
    NoPotential,
    Potential,
    SampledPotential,
    Spoon,
)
from .profiles import FromFile, GaussianNoise, ModulatedSech, Packet, PlaneWave
from .solitons import BoundState, Soliton, Solitons
from .vortices import VortexStart, Vortices, find_vortices

__all__ = [
    "NLSE",
    "Absorber",
    "Akhmediev",
    "Barrier",
    "BoundState",
    "Box",
    "Cubic",
    "CubicQuintic",
    "Damping",
    "Dipolar",
    "Excitations",
    "FromFile",
    "Gain",
    "GaussianNoise",
    "Ground",
    "GroundStart",
    "Harmonic",
    "Initial",
    "Interaction",
    "KuznetsovMa",
    "Lattice",
    "Losses",
    "Medium",
    "ModulatedSech",
    "NLSEState",
    "NoLosses",
    "NoPotential",
    "Packet",
    "Peregrine",
    "PlaneWave",
    "Potential",
    "SampledPotential",
    "Saturable",
    "Soliton",
    "Solitons",
    "Spoon",
    "VortexStart",
    "Vortices",
    "bogoliubov",
    "find_vortices",
    "ground_state",
]
