"""Experiments of small Langevin systems."""
