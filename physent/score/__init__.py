"""From samples of a stochastic solver to its score, and from the score to entropy production and currents.

import physent.score

found = physent.score.learn("data/runs/gyrator")      # trains, and writes score.eqx and score.nc into the run folder
print(found.verdict.sentence)
trained = physent.score.load("data/runs/gyrator")     # the score again
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from physent.score.flow import probability_flow as probability_flow
    from physent.score.learning import learn as learn
    from physent.score.network import Network as Network
    from physent.score.network import Residual as Residual
    from physent.score.network import Score as Score
    from physent.score.settings import ScoreSettings as ScoreSettings
    from physent.score.trained import Trained as Trained
    from physent.score.trained import load as load

# Loaded when first used: an experiment file needs the settings only, and training much more.
_PLACE_OF = {
    "learn": "learning", "load": "trained", "Network": "network", "probability_flow": "flow", "Residual": "network",
    "Score": "network", "ScoreSettings": "settings", "Trained": "trained",
}  # fmt: skip

__all__ = list(_PLACE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _PLACE_OF:
        return getattr(importlib.import_module(f"physent.score.{_PLACE_OF[name]}"), name)
    raise AttributeError(f"module 'physent.score' has no attribute {name!r}")
