"""The networks that an experiment can name."""

NETWORKS: dict[str, type] = {}
