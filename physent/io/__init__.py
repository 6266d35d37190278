"""Files: the layout of a dataset, NetCDF, checkpoints, run folders."""

import os

# A run has one writer, which its folder's own lock makes sure of. HDF5's locks would only keep readers from looking at
# a run that is going on, and a run from continuing while a notebook looks at it.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
