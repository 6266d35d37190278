"""Experiments of the nonlinear Schroedinger equation."""
