"""Existing data: one run, many runs, and any NetCDF file."""
