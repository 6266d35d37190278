"""Active matter: `ActiveMatter`, its self-propulsions and its pair forces."""

from .equation import ActiveMatter, ActiveMatterState
from .pair_force import WCA, CustomForce, NoForce, PairForce, Softplus, Yukawa
from .propulsion import Brownian, OrnsteinUhlenbeck, Propulsion, RunAndTumble
from .ring import PairProduction, pair_production

__all__ = [
    "WCA",
    "ActiveMatter",
    "ActiveMatterState",
    "Brownian",
    "CustomForce",
    "NoForce",
    "OrnsteinUhlenbeck",
    "PairForce",
    "PairProduction",
    "Propulsion",
    "RunAndTumble",
    "Softplus",
    "Yukawa",
    "pair_production",
]
