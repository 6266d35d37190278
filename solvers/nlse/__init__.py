"""The nonlinear Schroedinger equation: `NLSE`, its initial conditions and potentials."""

from .breathers import Akhmediev, KuznetsovMa, Peregrine
from .equation import NLSE, NLSEState
from .initial import Initial, Medium
from .potential import Barrier, Harmonic, Lattice, NoPotential, Potential, SampledPotential
from .profiles import FromFile, GaussianNoise, ModulatedSech, Packet, PlaneWave
from .solitons import BoundState, Soliton, Solitons

__all__ = [
    "NLSE",
    "Akhmediev",
    "Barrier",
    "BoundState",
    "FromFile",
    "GaussianNoise",
    "Harmonic",
    "Initial",
    "KuznetsovMa",
    "Lattice",
    "Medium",
    "ModulatedSech",
    "NLSEState",
    "NoPotential",
    "Packet",
    "Peregrine",
    "PlaneWave",
    "Potential",
    "SampledPotential",
    "Soliton",
    "Solitons",
]
