"""Stratified shear flow in a vertical plane: `KelvinHelmholtz`, its initial conditions and its
forcings.
"""

from .equation import KelvinHelmholtz as KelvinHelmholtz
from .equation import KelvinHelmholtzState as KelvinHelmholtzState
from .forcing import Forcing as Forcing
from .forcing import HoldBase as HoldBase
from .forcing import Kolmogorov as Kolmogorov
from .forcing import Stochastic as Stochastic
from .forcing import Unforced as Unforced
from .initial import DoubleShear as DoubleShear
from .initial import Forced as Forced
from .initial import Initial as Initial
from .initial import Rotating as Rotating
from .initial import ShearLayer as ShearLayer
from .initial import TaylorGreen as TaylorGreen
from .perturbation import Mode as Mode
from .perturbation import Ripple as Ripple
from .perturbation import Unperturbed as Unperturbed
