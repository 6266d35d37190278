"""The diagnostics that come with physent, as modules for `physent.run` and kinds for a config."""

from physent.diagnostics.error import Error as Error
from physent.diagnostics.fields import Complexity as Complexity
from physent.diagnostics.fields import DifferentialEntropy as DifferentialEntropy
from physent.diagnostics.fields import Entropy as Entropy
from physent.diagnostics.history import HistogramEntropy as HistogramEntropy
from physent.diagnostics.history import PermutationEntropy as PermutationEntropy
from physent.diagnostics.mixing import MixingEfficiency as MixingEfficiency
from physent.diagnostics.particles import NearestNeighbourEntropy as NearestNeighbourEntropy
from physent.diagnostics.particles import ParticleEntropy as ParticleEntropy
from physent.diagnostics.quantities import DyeEntropy as DyeEntropy
from physent.diagnostics.quantities import MutualInformation as MutualInformation
from physent.diagnostics.quantities import PotentialEnergy as PotentialEnergy
from physent.diagnostics.quantities import PublishedQuantity as PublishedQuantity
from physent.diagnostics.quantities import SampleEntropy as SampleEntropy
from physent.diagnostics.quantities import StatisticalComplexity as StatisticalComplexity
