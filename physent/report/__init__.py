"""Reports on finished runs: figures for notebooks, an HTML page, and a comparison of two runs.

import physent.report

physent.report.plot(ds)                    # matplotlib figures by title; a notebook shows them
physent.report.write("data/runs/my_run")   # report.html in the run folder
"""

from physent.report.page import page, write
from physent.report.pictures import Pictures, plot

__all__ = ["Pictures", "page", "plot", "write"]
