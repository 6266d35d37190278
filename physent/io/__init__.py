"""Files: the layout of a dataset, NetCDF, checkpoints, run folders."""
