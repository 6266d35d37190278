"""Fish that school by zones: `Couzin`, its initial conditions and schedules."""

from .from_file import FromFile as FromFile
from .initial import Initial as Initial
from .initial import RandomBall as RandomBall
from .initial import RandomBox as RandomBox
from .initial import Ring as Ring
from .model import Couzin as Couzin
from .model import CouzinState as CouzinState
from .schedule import Constant as Constant
from .schedule import Schedule as Schedule
from .schedule import Staircase as Staircase
