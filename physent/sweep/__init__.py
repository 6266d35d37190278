"""Many runs of one experiment: the points, their execution and the summary."""

from physent.experiment.settings import SweepSettings as SweepSettings
from physent.sweep.executors import (
    Result as Result,
    check_executor as check_executor,
    remove as remove,
    sweep as sweep,
)
from physent.sweep.points import Point as Point, as_members as as_members, points as points
from physent.sweep.summary import summarise as summarise
