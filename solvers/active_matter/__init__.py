"""Active matter: `ActiveMatter`, its self-propulsions and its pair forces."""

from .equation import ActiveMatter as ActiveMatter
from .equation import ActiveMatterState as ActiveMatterState
from .pair_force import WCA as WCA
from .pair_force import NoForce as NoForce
from .pair_force import PairForce as PairForce
from .pair_force import Softplus as Softplus
from .pair_force import Yukawa as Yukawa
from .propulsion import Brownian as Brownian
from .propulsion import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from .propulsion import Propulsion as Propulsion
from .propulsion import RunAndTumble as RunAndTumble
from .ring import PairProduction as PairProduction
from .ring import pair_production as pair_production
