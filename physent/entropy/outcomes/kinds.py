"""The outcome spaces by their name in a config."""

from physent.entropy.outcomes.fields import Counts, Density, Spectrum
from physent.entropy.outcomes.histogram import Histogram
from physent.entropy.outcomes.particles import Cells, Headings
from physent.entropy.outcomes.patterns import (
    AmplitudeOrdinal,
    Dispersion,
    Ordinal,
    SpatialOrdinal,
    WeightedOrdinal,
)
from physent.entropy.outcomes.space import OutcomeSpace

OUTCOMES: dict[str, type[OutcomeSpace]] = {
    "density": Density,
    "spectrum": Spectrum,
    "counts": Counts,
    "histogram": Histogram,
    "ordinal": Ordinal,
    "weighted_ordinal": WeightedOrdinal,
    "amplitude_ordinal": AmplitudeOrdinal,
    "dispersion": Dispersion,
    "spatial_ordinal": SpatialOrdinal,
    "cells": Cells,
    "headings": Headings,
}
