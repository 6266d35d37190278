"""The nonlinear Klein-Gordon equation: `KleinGordon`, its potentials, boundaries and initial
conditions.
"""

from .boundary import Antiperiodic as Antiperiodic
from .boundary import Boundary as Boundary
from .boundary import Periodic as Periodic
from .boundary import Winding as Winding
from .equation import KleinGordon as KleinGordon
from .equation import KleinGordonState as KleinGordonState
from .initial import Initial as Initial
from .initial import Medium as Medium
from .phi4 import KinkAntikink as KinkAntikink
from .phi4 import Phi4Kink as Phi4Kink
from .potential import CustomPotential as CustomPotential
from .potential import DoubleSineGordon as DoubleSineGordon
from .potential import Linear as Linear
from .potential import Phi4 as Phi4
from .potential import Potential as Potential
from .potential import SineGordon as SineGordon
from .profiles import Gaussian as Gaussian
from .profiles import PlaneWave as PlaneWave
from .profiles import Sampled as Sampled
from .sine_gordon import Breather as Breather
from .sine_gordon import SineGordonKink as SineGordonKink
from .sine_gordon import TwoKink as TwoKink
