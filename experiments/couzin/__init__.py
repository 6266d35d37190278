"""Experiments of the Couzin model."""
