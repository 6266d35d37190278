"""The nonlinear Klein-Gordon equation: `KleinGordon`, its potentials, boundaries and initial
conditions.
"""

from .boundary import Antiperiodic, Boundary, Periodic, Walls, Winding
from .equation import KleinGordon
from .initial import Initial, Medium
from .kinks import Breather, KinkAntikink, Phi4Kink, SineGordonKink, TwoKink
from .potential import CustomPotential, DoubleSineGordon, Linear, Phi4, Potential, SineGordon
from .profiles import Gaussian, PlaneWave, Random, Sampled
from .setting import KleinGordonState
from .statics import InternalModes, Kink, internal_modes

__all__ = [
    "Antiperiodic",
    "Boundary",
    "Breather",
    "CustomPotential",
    "DoubleSineGordon",
    "Gaussian",
    "Initial",
    "InternalModes",
    "Kink",
    "KinkAntikink",
    "KleinGordon",
    "KleinGordonState",
    "Linear",
    "Medium",
    "Periodic",
    "Phi4",
    "Phi4Kink",
    "PlaneWave",
    "Potential",
    "Random",
    "Sampled",
    "SineGordon",
    "SineGordonKink",
    "TwoKink",
    "Walls",
    "Winding",
    "internal_modes",
]
