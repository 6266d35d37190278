"""The networks that an experiment can select."""

from physent.learning.perceptron import MultilayerPerceptron
from physent.learning.resolvent import ResolventNetwork
from physent.learning.slow_manifold import SlowManifoldNetwork
from physent.learning.transformer import ParticleTransformer

NETWORKS: dict[str, type] = {
    "mlp": MultilayerPerceptron,
    "resolvent": ResolventNetwork,
    "slow_manifold": SlowManifoldNetwork,
    "particle_transformer": ParticleTransformer,
}
