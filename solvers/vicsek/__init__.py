"""Birds that align with their neighbours: `Vicsek` and its starts."""

from .model import Vicsek, VicsekState
from .start import Aligned, Random, Start

__all__ = ["Aligned", "Random", "Start", "Vicsek", "VicsekState"]
