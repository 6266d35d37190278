"""The networks that an experiment can name."""

from physent.score.perceptron import MultilayerPerceptron
from physent.score.resolvent import ResolventNetwork
from physent.score.slow_manifold import SlowManifoldNetwork
from physent.score.transformer import ParticleTransformer

NETWORKS: dict[str, type] = {
    "mlp": MultilayerPerceptron,
    "resolvent": ResolventNetwork,
    "slow_manifold": SlowManifoldNetwork,
    "particle_transformer": ParticleTransformer,
}
