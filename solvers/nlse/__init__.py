"""The nonlinear Schroedinger equation: `NLSE`, its initial conditions and potentials."""

from .breathers import Akhmediev, KuznetsovMa, Peregrine
from .equation import NLSE, NLSEState
from .initial import Initial, Medium
from .potential import Harmonic, Lattice, NoPotential, Potential, SampledPotential
from .profiles import FromFile, GaussianNoise, ModulatedSech, PlaneWave
from .solitons import BoundState, Soliton, Solitons

__all__ = [
    "NLSE",
    "Akhmediev",
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
    "Peregrine",
    "PlaneWave",
    "Potential",
    "SampledPotential",
    "Soliton",
    "Solitons",
]
