"""The outcome spaces by the name a config gives them."""

from physent.entropy.fields import Counts, Density, Spectrum
from physent.entropy.outcome_space import OutcomeSpace

OUTCOMES: dict[str, type[OutcomeSpace]] = {
    "density": Density,
    "spectrum": Spectrum,
    "counts": Counts,
}
