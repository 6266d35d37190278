"""The nonlinear Klein-Gordon equation: `KleinGordon`, its potentials, boundaries and initial
conditions.
"""

from .boundary import Antiperiodic, Boundary, Periodic, Winding
from .equation import KleinGordon, KleinGordonState
from .initial import Initial, Medium
from .kinks import Breather, KinkAntikink, Phi4Kink, SineGordonKink, TwoKink
from .potential import CustomPotential, DoubleSineGordon, Linear, Phi4, Potential, SineGordon
from .profiles import Gaussian, PlaneWave, Sampled

__all__ = [
    "Antiperiodic",
    "Boundary",
    "Breather",
    "CustomPotential",
    "DoubleSineGordon",
    "Gaussian",
    "Initial",
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
    "Sampled",
    "SineGordon",
    "SineGordonKink",
    "TwoKink",
    "Winding",
]
