"""Experiments of ordinary systems."""
