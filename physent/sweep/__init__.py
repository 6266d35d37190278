"""Many runs of one experiment: which points, run where, summarised how."""

from physent.experiment.settings import SweepSettings as SweepSettings
from physent.sweep.executors import (
    Result as Result,
    check_executor as check_executor,
    remove as remove,
    sweep as sweep,
)
from physent.sweep.points import Point as Point, as_members as as_members, points as points
from physent.sweep.summary import summarise as summarise
