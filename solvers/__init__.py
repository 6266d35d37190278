"""The physical systems, one module each, imported as `physent.solvers`."""

if __name__ != "physent.solvers":
    raise ImportError(
        f"import this package as 'physent.solvers', not {__name__!r}: install physent ('pip "
        "install -e .')"
    )

from typing import TYPE_CHECKING

from physent.protocol.late import late

if TYPE_CHECKING:
    from .active_matter import ActiveMatter as ActiveMatter
    from .couzin import Couzin as Couzin
    from .kelvin_helmholtz import KelvinHelmholtz as KelvinHelmholtz
    from .klein_gordon import KleinGordon as KleinGordon
    from .langevin import LinearLangevin as LinearLangevin, TiltedRing as TiltedRing
    from .nlse import NLSE as NLSE

__getattr__, __all__ = late(  # pyright: ignore[reportUnsupportedDunderAll]
    "physent.solvers",
    {
        "physent.solvers.active_matter": ("ActiveMatter",),
        "physent.solvers.couzin": ("Couzin",),
        "physent.solvers.kelvin_helmholtz": ("KelvinHelmholtz",),
        "physent.solvers.klein_gordon": ("KleinGordon",),
        "physent.solvers.langevin": ("LinearLangevin", "TiltedRing"),
        "physent.solvers.nlse": ("NLSE",),
    },
)
