"""Experiments of active matter."""
