"""Entropy of physical data: the outcome space, the estimator of probabilities and the functional.

    entropy(x, measure=Renyi(order=2), outcomes=Ordinal(order=4), estimator=Grassberger(), axis=-1)

Everything here takes arrays and gives arrays, keeps batch axes, and can be jitted, vmapped and,
where mathematics allows, differentiated. Values are in nats and not normalised unless one asks.
"""

from physent.entropy.bootstrap import block_bootstrap, entropy_rate
from physent.entropy.chaos import (
    correlation_dimension,
    largest_lyapunov_exponent,
    ordinal_curves,
    zero_one_test,
)
from physent.entropy.continuous.differential import (
    differential_entropy,
    nearest_neighbour_entropy,
    spacing_entropy,
)
from physent.entropy.continuous.ksg import (
    ksg_conditional_mutual_information,
    ksg_mutual_information,
)
from physent.entropy.discrete import (
    ESTIMATORS,
    MEASURES,
    ChaoShen,
    Curado,
    Estimator,
    Extropy,
    Grassberger,
    Hartley,
    Jackknife,
    Kaniadakis,
    Measure,
    MillerMadow,
    MinEntropy,
    PlugIn,
    Renyi,
    Shannon,
    Shrinkage,
    Tsallis,
)
from physent.entropy.discrete.complexity import (
    complexity_bounds,
    jensen_shannon_complexity,
    lmc_complexity,
)
from physent.entropy.entropy import boltzmann_entropy, entropy
from physent.entropy.error_bars import (
    autocorrelation_time,
    compare,
    effective_sample_size,
    time_average,
)
from physent.entropy.information import (
    bin_symbols,
    combine_symbols,
    discrete_conditional_mutual_information,
    discrete_mutual_information,
    discrete_transfer_entropy,
    gaussian_information,
    gaussian_mutual_information,
    gaussian_transfer_entropy,
    ksg_transfer_entropy,
)
from physent.entropy.mixing import dye_entropy, potential_energies, segregation
from physent.entropy.mutual import (
    InformationEstimate,
    conditional_mutual_information,
    mutual_information,
)
from physent.entropy.outcomes.fields import Counts, Density, Spectrum
from physent.entropy.outcomes.histogram import Histogram
from physent.entropy.outcomes.kinds import OUTCOMES
from physent.entropy.outcomes.particles import Cells, Headings
from physent.entropy.outcomes.patterns import (
    AmplitudeOrdinal,
    Dispersion,
    Ordinal,
    SpatialOrdinal,
    WeightedOrdinal,
    ordinal_symbols,
)
from physent.entropy.outcomes.space import OutcomeSpace
from physent.entropy.production import (
    LinearProduction,
    linear_entropy_production,
    medium_entropy_production,
)
from physent.entropy.published import (
    complexity_index,
    field_entropy,
    histogram_differential_entropy,
    mean_frequency,
    mixing_proxy,
    spectral_bandwidth,
    spectral_richness,
)
from physent.entropy.regularity import (
    approximate_entropy,
    lempel_ziv_complexity,
    multiscale_entropy,
    sample_entropy,
)
from physent.entropy.schools.dewi_kadita import (
    angular_momentum_entropy,
    cohesion_entropy,
    depth_entropy,
    neighbour_entropy,
    oceanic_schooling_index,
    polarization_entropy,
    schooling_entropies,
    shape_entropy,
    velocity_correlation_entropy,
    wrapped_rotation,
)
from physent.entropy.schools.unbinned import (
    from_centre,
    school_entropies,
    velocity_correlation_profile,
)
from physent.entropy.spectra import spectral_entropy, svd_entropy
from physent.entropy.surrogates import (
    circular_shift,
    iaaft,
    permutation_test,
    phase_randomised,
    shuffle,
)

__all__ = [
    "ESTIMATORS",
    "MEASURES",
    "OUTCOMES",
    "AmplitudeOrdinal",
    "Cells",
    "ChaoShen",
    "Counts",
    "Curado",
    "Density",
    "Dispersion",
    "Estimator",
    "Extropy",
    "Grassberger",
    "Hartley",
    "Headings",
    "Histogram",
    "InformationEstimate",
    "Jackknife",
    "Kaniadakis",
    "LinearProduction",
    "Measure",
    "MillerMadow",
    "MinEntropy",
    "Ordinal",
    "OutcomeSpace",
    "PlugIn",
    "Renyi",
    "Shannon",
    "Shrinkage",
    "SpatialOrdinal",
    "Spectrum",
    "Tsallis",
    "WeightedOrdinal",
    "angular_momentum_entropy",
    "approximate_entropy",
    "autocorrelation_time",
    "bin_symbols",
    "block_bootstrap",
    "boltzmann_entropy",
    "circular_shift",
    "cohesion_entropy",
    "combine_symbols",
    "compare",
    "complexity_bounds",
    "complexity_index",
    "conditional_mutual_information",
    "correlation_dimension",
    "depth_entropy",
    "differential_entropy",
    "discrete_conditional_mutual_information",
    "discrete_mutual_information",
    "discrete_transfer_entropy",
    "dye_entropy",
    "effective_sample_size",
    "entropy",
    "entropy_rate",
    "field_entropy",
    "from_centre",
    "gaussian_information",
    "gaussian_mutual_information",
    "gaussian_transfer_entropy",
    "histogram_differential_entropy",
    "iaaft",
    "jensen_shannon_complexity",
    "ksg_conditional_mutual_information",
    "ksg_mutual_information",
    "ksg_transfer_entropy",
    "largest_lyapunov_exponent",
    "lempel_ziv_complexity",
    "linear_entropy_production",
    "lmc_complexity",
    "mean_frequency",
    "medium_entropy_production",
    "mixing_proxy",
    "multiscale_entropy",
    "mutual_information",
    "nearest_neighbour_entropy",
    "neighbour_entropy",
    "oceanic_schooling_index",
    "ordinal_curves",
    "ordinal_symbols",
    "permutation_test",
    "phase_randomised",
    "polarization_entropy",
    "potential_energies",
    "sample_entropy",
    "school_entropies",
    "schooling_entropies",
    "segregation",
    "shape_entropy",
    "shuffle",
    "spacing_entropy",
    "spectral_bandwidth",
    "spectral_entropy",
    "spectral_richness",
    "svd_entropy",
    "time_average",
    "velocity_correlation_entropy",
    "velocity_correlation_profile",
    "wrapped_rotation",
    "zero_one_test",
]
