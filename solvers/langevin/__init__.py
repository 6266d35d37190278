"""Small Langevin systems with exact answers: `LinearLangevin` and `TiltedRing`."""

from .linear import BeadSpring as BeadSpring
from .linear import CoupledAOUPs as CoupledAOUPs
from .linear import Gyrator as Gyrator
from .linear import LinearLangevin as LinearLangevin
from .linear import LinearSystem as LinearSystem
from .linear import Matrix as Matrix
from .linear import TrappedAOUP as TrappedAOUP
from .ring import TiltedRing as TiltedRing
