"""Experiments of the nonlinear Klein-Gordon equation."""
