"""Fish that school by zones: `Couzin`, its initial conditions and schedules."""

from .initial import FromFile, Initial, RandomBall, RandomBox, Ring
from .model import Couzin, CouzinState
from .schedule import Constant, CustomSchedule, Schedule, Staircase

__all__ = [
    "Constant",
    "Couzin",
    "CouzinState",
    "CustomSchedule",
    "FromFile",
    "Initial",
    "RandomBall",
    "RandomBox",
    "Ring",
    "Schedule",
    "Staircase",
]
