"""Experiments of the Vicsek model."""
