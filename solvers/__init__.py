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
    from .gallery.burgers import Burgers as Burgers
    from .gallery.cahn_hilliard import CahnHilliard as CahnHilliard
    from .gallery.complex_ginzburg_landau import ComplexGinzburgLandau as ComplexGinzburgLandau
    from .gallery.complex_klein_gordon import ComplexKleinGordon as ComplexKleinGordon
    from .gallery.fitzhugh_nagumo import FitzHughNagumo as FitzHughNagumo
    from .gallery.gray_scott import GrayScott as GrayScott
    from .gallery.korteweg_de_vries import KortewegDeVries as KortewegDeVries
    from .gallery.kuramoto_sivashinsky import KuramotoSivashinsky as KuramotoSivashinsky
    from .gallery.navier_stokes_2d import NavierStokes2D as NavierStokes2D
    from .gallery.swift_hohenberg import SwiftHohenberg as SwiftHohenberg
    from .kelvin_helmholtz import KelvinHelmholtz as KelvinHelmholtz
    from .klein_gordon import KleinGordon as KleinGordon
    from .langevin import LinearLangevin as LinearLangevin, TiltedRing as TiltedRing
    from .nlse import NLSE as NLSE
    from .ordinary import Ordinary as Ordinary
    from .vicsek import Vicsek as Vicsek

__getattr__, __all__ = late(  # pyright: ignore[reportUnsupportedDunderAll]
    "physent.solvers",
    {
        "physent.solvers.active_matter": ("ActiveMatter",),
        "physent.solvers.couzin": ("Couzin",),
        "physent.solvers.kelvin_helmholtz": ("KelvinHelmholtz",),
        "physent.solvers.gallery.burgers": ("Burgers",),
        "physent.solvers.gallery.cahn_hilliard": ("CahnHilliard",),
        "physent.solvers.gallery.complex_ginzburg_landau": ("ComplexGinzburgLandau",),
        "physent.solvers.gallery.complex_klein_gordon": ("ComplexKleinGordon",),
        "physent.solvers.gallery.fitzhugh_nagumo": ("FitzHughNagumo",),
        "physent.solvers.gallery.gray_scott": ("GrayScott",),
        "physent.solvers.gallery.korteweg_de_vries": ("KortewegDeVries",),
        "physent.solvers.gallery.kuramoto_sivashinsky": ("KuramotoSivashinsky",),
        "physent.solvers.gallery.navier_stokes_2d": ("NavierStokes2D",),
        "physent.solvers.gallery.swift_hohenberg": ("SwiftHohenberg",),
        "physent.solvers.klein_gordon": ("KleinGordon",),
        "physent.solvers.langevin": ("LinearLangevin", "TiltedRing"),
        "physent.solvers.nlse": ("NLSE",),
        "physent.solvers.ordinary": ("Ordinary",),
        "physent.solvers.vicsek": ("Vicsek",),
    },
)
