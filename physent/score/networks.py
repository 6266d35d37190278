"""The networks that an experiment can name."""

from physent.score.perceptron import MultilayerPerceptron

NETWORKS: dict[str, type] = {"mlp": MultilayerPerceptron}
