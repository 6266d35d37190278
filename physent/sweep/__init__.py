"""Many runs of one experiment: which points, run where, summarised how."""

from physent.experiment.settings import SweepSettings as SweepSettings
from physent.sweep.executors import Result as Result
from physent.sweep.executors import check_executor as check_executor
from physent.sweep.executors import remove as remove
from physent.sweep.executors import sweep as sweep
from physent.sweep.points import Point as Point
from physent.sweep.points import as_members as as_members
from physent.sweep.points import points as points
from physent.sweep.summary import summarise as summarise
