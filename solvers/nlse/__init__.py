"""The nonlinear Schroedinger equation: `NLSE`, its initial conditions and potentials."""

from .breathers import Akhmediev as Akhmediev
from .breathers import KuznetsovMa as KuznetsovMa
from .breathers import Peregrine as Peregrine
from .equation import NLSE as NLSE
from .equation import NLSEState as NLSEState
from .from_file import FromFile as FromFile
from .initial import Initial as Initial
from .initial import Medium as Medium
from .potential import Harmonic as Harmonic
from .potential import Lattice as Lattice
from .potential import NoPotential as NoPotential
from .potential import Potential as Potential
from .potential import SampledPotential as SampledPotential
from .profiles import GaussianNoise as GaussianNoise
from .profiles import ModulatedSech as ModulatedSech
from .profiles import PlaneWave as PlaneWave
from .solitons import BoundState as BoundState
from .solitons import Soliton as Soliton
from .solitons import Solitons as Solitons
