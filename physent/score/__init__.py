"""From samples of a stochastic solver to its score, and from the score to entropy production and
currents.

import physent.score

found = physent.score.learn("data/runs/gyrator")      # trains, and writes score.eqx and score.nc
into the run folder print(found.verdict.sentence) trained = physent.score.load("data/runs/gyrator")
# the score again
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from physent.experiment.settings import ScoreSettings as ScoreSettings
    from physent.learning.model import Network as Network
    from physent.learning.model import Residual as Residual
    from physent.learning.model import Score as Score
    from physent.score.flow import probability_flow as probability_flow
    from physent.score.pipeline import learn as learn
    from physent.score.streaming import LearnedEntropyProduction as LearnedEntropyProduction
    from physent.score.trained import Trained as Trained
    from physent.score.trained import load as load

# Loaded when first used: a streaming score needs no training.
_PLACES = {
    "physent.experiment.settings": ("ScoreSettings",),
    "physent.learning.model": ("Network", "Residual", "Score"),
    "physent.score.pipeline": ("learn",),
    "physent.score.flow": ("probability_flow",),
    "physent.score.streaming": ("LearnedEntropyProduction",),
    "physent.score.trained": ("Trained", "load"),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

__all__ = list(_PLACE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _PLACE_OF:
        return getattr(importlib.import_module(_PLACE_OF[name]), name)
    raise AttributeError(f"module 'physent.score' has no attribute {name!r}")
