"""The nonlinear Klein-Gordon equation: `KleinGordon`, its potentials, boundaries and initial
conditions.
"""

from .boundary import Antiperiodic, Boundary, Periodic, Winding
from .equation import KleinGordon, KleinGordonState
from .initial import Initial, Medium
from .phi4 import KinkAntikink, Phi4Kink
from .potential import CustomPotential, DoubleSineGordon, Linear, Phi4, Potential, SineGordon
from .profiles import Gaussian, PlaneWave, Sampled
from .sine_gordon import Breather, SineGordonKink, TwoKink

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
