"""The outcome spaces by the name a config gives them."""

from physent.entropy.dispersion import Dispersion
from physent.entropy.fields import Counts, Density, Spectrum
from physent.entropy.histogram import Histogram
from physent.entropy.ordinal import AmplitudeOrdinal, Ordinal, WeightedOrdinal
from physent.entropy.outcome_space import OutcomeSpace
from physent.entropy.particles import Cells, Headings
from physent.entropy.spatial_ordinal import SpatialOrdinal

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
