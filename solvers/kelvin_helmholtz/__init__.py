"""Stratified shear flow in a vertical plane: `KelvinHelmholtz`, its initial conditions and its
forcings.
"""

from .equation import KelvinHelmholtz, KelvinHelmholtzState
from .forcing import CustomForcing, Forcing, HoldBase, Kolmogorov, Stochastic, Unforced
from .initial import DoubleShear, Forced, Initial, Rotating, ShearLayer, TaylorGreen
from .perturbation import Mode, Ripple, Unperturbed

__all__ = [
    "CustomForcing",
    "DoubleShear",
    "Forced",
    "Forcing",
    "HoldBase",
    "Initial",
    "KelvinHelmholtz",
    "KelvinHelmholtzState",
    "Kolmogorov",
    "Mode",
    "Ripple",
    "Rotating",
    "ShearLayer",
    "Stochastic",
    "TaylorGreen",
    "Unforced",
    "Unperturbed",
]
