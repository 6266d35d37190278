"""Numerical methods without physics: spectral, splitting and exponential integrators."""
