"""From samples of a stochastic solver to its score, and from this to entropy production and
currents.

import physent.score

found = physent.score.learn("data/runs/gyrator")      # trains; score.eqx, score.nc in the folder
print(found.verdict.sentence)
trained = physent.score.load("data/runs/gyrator")     # the score again
"""

from typing import TYPE_CHECKING

from physent.protocol.late import late

if TYPE_CHECKING:
    from physent.experiment.settings import ScoreSettings as ScoreSettings
    from physent.learning.model import Network as Network, Residual as Residual, Score as Score
    from physent.score.flow import probability_flow as probability_flow
    from physent.score.pipeline import learn as learn
    from physent.score.streaming import LearnedEntropyProduction as LearnedEntropyProduction
    from physent.score.trained import Trained as Trained, load as load

# Loaded when first used: a streaming score needs no training.
__getattr__, __all__ = late(  # pyright: ignore[reportUnsupportedDunderAll]
    "physent.score",
    {
        "physent.experiment.settings": ("ScoreSettings",),
        "physent.learning.model": ("Network", "Residual", "Score"),
        "physent.score.pipeline": ("learn",),
        "physent.score.flow": ("probability_flow",),
        "physent.score.streaming": ("LearnedEntropyProduction",),
        "physent.score.trained": ("Trained", "load"),
    },
)
