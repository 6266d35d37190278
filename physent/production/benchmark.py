"""Tasks with exact truth for estimators of entropy production, and what measures any callable.

    for task in tasks():
        x = task.sample(seed=0)         # (times, components), or (trajectories, times, components)
        yours(x, task.dt) / task.rate   # nats per unit of time

A family is a system of `physent.production.systems`; of it there are also tasks with measurement
noise of half a step's displacement, with rows that are means over the whole interval, with one of
ten rows, with a twentieth of the rows, and with variables that are hidden, where an estimate is
only asked to stay below.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from physent.errors import ParameterError, nearest
from physent.production import systems
from physent.production.systems import Known

BLUR = 10  # rows that are averaged to one
COARSE = 10  # rows of which one is kept
SHORT = 20  # a part of the rows
VARIANTS = ("clean", "noise", "blur", "coarse", "short", "hidden")
# a system by its interval, None for its own; rows; variants; the columns that are not hidden
Family = tuple[Callable[[float | None], Known], int, tuple[str, ...], tuple[int, ...]]


def _at(system: Callable[..., Known], *arguments: float) -> Callable[[float | None], Known]:
    return lambda dt: system(*arguments) if dt is None else system(*arguments, dt=dt)


FAMILIES: dict[str, Family] = {
    "gyrator": (_at(systems.gyrator), 200_000, VARIANTS[:5], ()),
    "rotation": (_at(systems.rotation), 100_000, VARIANTS, (0,)),
    "faint_rotation": (_at(systems.faint_rotation), 320_000, ("clean", "noise"), ()),
    "beads_2": (_at(systems.beads, 2), 200_000, ("clean",), ()),
    "beads_5": (_at(systems.beads, 5), 200_000, VARIANTS, (0, 1, 3, 4)),
    "beads_8": (_at(systems.beads, 8), 200_000, ("clean", "noise"), ()),
    "beads_16": (_at(systems.beads, 16), 300_000, ("clean",), ()),
    "beads_32": (_at(systems.beads, 32), 300_000, ("clean", "noise"), ()),
    "beads_64": (_at(systems.beads, 64), 300_000, ("clean",), ()),
    "beads_128": (_at(systems.beads, 128), 300_000, ("clean",), ()),
    "aoup": (_at(systems.aoup), 100_000, VARIANTS[:4], ()),
    "aoups": (_at(systems.aoups, 4), 100_000, ("clean", "hidden"), (0, 1, 2, 3)),
    "tilted_ring": (_at(systems.tilted_ring), 200_000, VARIANTS[:5], ()),
    "cycle": (_at(systems.cycle), 200_000, VARIANTS, (0,)),
    "active_brownian": (
        _at(systems.active_brownian),
        200_000,
        ("clean", "noise", "hidden"),
        (0, 1),
    ),
    "inertial": (_at(systems.inertial), 200_000, ("clean", "coarse", "short", "hidden"), (0, 1)),
    "ratchet": (lambda _: systems.flashing_ratchet(), 200_000, ("clean", "short", "hidden"), (0,)),
    "four_states": (_at(systems.four_states), 200_000, ("clean", "coarse", "short", "hidden"), ()),
    "network": (_at(systems.network, 8), 200_000, ("clean", "coarse", "hidden"), ()),
    "spins": (lambda _: systems.spins(), 300_000, ("clean", "hidden"), (0, 1, 2, 3)),
}


@dataclass(frozen=True)
class Task:
    """A system and how it is seen: `sample(seed)` are its data, `rate` is the truth."""

    name: str
    family: str
    variant: str

    @property
    def known(self) -> Known:
        """The system at the interval of its rows."""
        make = FAMILIES[self.family][0]
        return make(make(None).dt * COARSE) if self.variant == "coarse" else make(None)

    @property
    def rate(self) -> float:
        """The entropy production, in nats per unit of time, of the whole system."""
        return self.known.rate

    @property
    def dt(self) -> float:
        """The time between rows."""
        return self.known.dt

    @property
    def period(self) -> np.ndarray | None:
        """Of each component that is seen."""
        return self._seen(self.known.period)

    @property
    def parity(self) -> np.ndarray | None:
        """Of each component that is seen, under time reversal."""
        return self._seen(self.known.parity)

    @property
    def hidden(self) -> bool:
        """Whether something is hidden, so that the truth can only be bounded."""
        return self.variant == "hidden"

    def _seen(self, values: np.ndarray | None) -> np.ndarray | None:
        columns = FAMILIES[self.family][3]
        return values[list(columns)] if values is not None and self.hidden and columns else values

    def sample(self, seed: int = 0) -> np.ndarray:
        """The data of a seed: whole numbers are states."""
        make, n, _, columns = FAMILIES[self.family]
        draw = np.random.default_rng([seed, *self.name.encode()])
        known = self.known
        if self.variant == "blur":
            fine = make(known.dt / BLUR).sample(n * BLUR, draw)
            many = fine.shape[-2] // BLUR
            fine = fine[..., : many * BLUR, :]
            return fine.reshape(*fine.shape[:-2], many, BLUR, fine.shape[-1]).mean(axis=-2)
        if self.variant in ("short", "coarse"):
            n //= SHORT if self.variant == "short" else COARSE
        x = known.sample(n, draw)
        if self.variant == "noise":
            size = np.sqrt(2 * known.diffusion * known.dt) / 2
            return x + size * draw.standard_normal(x.shape)
        if self.hidden:
            if columns:
                return x[..., list(columns)]
            return np.minimum(x, x.max() - 1)  # the last two states look the same
        return x

    def digest(self) -> str:
        """Of the first rows of seed 0, to four digits."""
        x = self.sample(0)
        some = x.reshape(-1, x.shape[-1])[:64].astype(float)
        scale = np.abs(some).max()
        rounded = np.round(some / scale, 4) + 0.0
        return hashlib.sha256(rounded.astype("<f8").tobytes()).hexdigest()[:12]


def tasks(names: str | Sequence[str] | None = None) -> Iterator[Task]:
    """All tasks, or those of these names or families. Raises ParameterError for an unknown name."""
    every = [
        Task(family if variant == "clean" else f"{family}_{variant}", family, variant)
        for family, (_, _, variants, _) in FAMILIES.items()
        for variant in variants
    ]
    if names is None:
        yield from every
        return
    wanted = [names] if isinstance(names, str) else list(names)
    known = {task.name for task in every} | set(FAMILIES)
    for name in wanted:
        if name not in known:
            raise ParameterError("names", f"unknown {name!r}{nearest(name, known)}")
    yield from (task for task in every if task.name in wanted or task.family in wanted)


class Result(NamedTuple):
    """What a callable gave for a task and a seed: rate, standard error and interval (NaN where it
    gives none), seconds, and why it failed.
    """

    task: str
    seed: int
    truth: float
    rate: float
    standard_error: float
    low: float
    high: float
    seconds: float
    failed: str = ""


def measured(
    estimator: Callable[..., object],
    names: str | Sequence[str] | None = None,
    seeds: int = 1,
    whole: bool = False,
) -> Iterator[Result]:
    """Apply any callable to tasks, one result a task and seed.

    `estimator(x, dt)` gives a rate, or (rate, standard error), or (rate, standard error, low,
    high); with `whole`, `estimator(x, dt, period=..., parity=...)` is called. What it raises is the
    `failed` of its result.
    """
    for task in tasks(names):
        for seed in range(seeds):
            x = task.sample(seed)
            words = {"period": task.period, "parity": task.parity} if whole else {}
            begun = time.perf_counter()
            failed, numbers = "", np.full(4, np.nan)
            try:
                given = np.ravel(np.asarray(estimator(x, task.dt, **words), float))
                numbers[: given.size] = given[:4]
                if np.isnan(numbers[2]):
                    numbers[2:] = numbers[0] + 1.96 * numbers[1] * np.asarray([-1, 1])
            except Exception as error:  # of anybody's code
                failed = f"{type(error).__name__}: {error}".splitlines()[0]
            seconds = time.perf_counter() - begun
            rate, error, low, high = map(float, numbers)
            yield Result(task.name, seed, task.rate, rate, error, low, high, seconds, failed)
