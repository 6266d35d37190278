"""The physical systems, one module each, imported as `physent.solvers`."""

if __name__ != "physent.solvers":
    raise ImportError(
        f"import this package as 'physent.solvers', not {__name__!r}: install physent ('pip "
        "install -e .')"
    )

from .active_matter import ActiveMatter as ActiveMatter
from .couzin import Couzin as Couzin
from .kelvin_helmholtz import KelvinHelmholtz as KelvinHelmholtz
from .klein_gordon import KleinGordon as KleinGordon
from .langevin import LinearLangevin as LinearLangevin
from .langevin import TiltedRing as TiltedRing
from .nlse import NLSE as NLSE
