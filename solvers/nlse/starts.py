"""The kinds of initial conditions of the nonlinear Schroedinger equation by name."""

from physent.protocol.starts import RandomStart, Start

from .breathers import Akhmediev, KuznetsovMa, Peregrine
from .ground import GroundStart
from .profiles import FromFile, GaussianNoise, ModulatedSech, Packet, PlaneWave
from .solitons import BoundState, Soliton, Solitons
from .vortices import VortexStart

INITIALS: dict[str, type[Start]] = {
    "soliton": Soliton,
    "solitons": Solitons,
    "bound_state": BoundState,
    "akhmediev": Akhmediev,
    "peregrine": Peregrine,
    "kuznetsov_ma": KuznetsovMa,
    "plane_wave": PlaneWave,
    "packet": Packet,
    "breather": ModulatedSech,
    "gaussian_noise": GaussianNoise,
    "from_file": FromFile,
    "random": RandomStart,
    "ground_state": GroundStart,
    "vortices": VortexStart,
}
