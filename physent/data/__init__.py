"""Data that are there already: runs, many of them, and anybody's NetCDF file."""
