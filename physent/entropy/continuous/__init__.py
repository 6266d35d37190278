"""Entropies of continuous values: nearest neighbours, spacings, densities on a grid."""
