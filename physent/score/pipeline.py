"""From a run folder to `score.eqx`, `score.nc` and a verdict."""

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from physent.errors import FolderError, ParameterError, SamplesError, path_of
from physent.experiment import building as config
from physent.io import checkpoint
from physent.io.fingerprint import fingerprint, fingerprints
from physent.io.folder import EXPERIMENT, open_run, write_dataset
from physent.io.integrity import check
from physent.io.sources import named_by
from physent.learning.currents import physics
from physent.learning.derivatives import slopes
from physent.learning.model import Score
from physent.learning.splits import FEWEST_TRAJECTORIES, Part, Stream, flattened
from physent.learning.training import Training, TrainingProgress, begin, mesh, train
from physent.protocol import hdf5
from physent.protocol.moved import former_kind, renamed_keyword, with_kinds
from physent.protocol.parameters import member_axes, settings
from physent.protocol.stochastic import StochasticSolver
from physent.score import trained as files
from physent.score.access import CHECKPOINT, RESULT, check_free, check_overrides, locked
from physent.score.evaluation import Evaluation
from physent.score.maps import maps
from physent.score.result import dataset_of
from physent.score.samples import Samples
from physent.score.survey import Survey, check_solver, survey
from physent.score.trained import SCORE, under
from physent.score.verdict import Table, Verdict, conventions, sums, verdict

WALKERS, SNAPSHOTS = 4096, 16  # samples evaluated together
MOMENT_SAMPLES, MOMENT_BYTES = (1024, 256), 64 * 2**20


@dataclasses.dataclass(frozen=True)
class Learnt:
    """How learning ended: `verdict` is None if it was interrupted, and the same call continues
    it.
    """

    folder: Path
    verdict: Verdict | None
    history: list[TrainingProgress]
    notes: tuple[str, ...] = ()

    def dataset(self) -> xr.Dataset:
        """The contents of `score.nc`."""
        with hdf5.open_dataset(self.folder / RESULT) as dataset:
            return dataset.load()


@renamed_keyword(report="tell")
def learn(
    folder: str | Path,
    *,
    overrides: Sequence[str] = (),
    source: str | Path | None = None,
    overwrite: bool = False,
    trust: bool = False,
    tell: Callable[[TrainingProgress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda words: None,
    stop: Callable[[], bool] = lambda: False,
) -> Learnt:
    """Learn the score of a run by the [score] table of its experiment, and write and return the
    outcome.

    `overrides` are keys as the command line has them ("score.steps=1000"). With `source`, a trained
    score, nothing is learned: its verdict on this run, which may be of another density or size, is
    written. What was interrupted goes on bit for bit. With `overwrite` files are replaced when new
    ones are there to be written, and not before. Code that the run names runs if this user has run
    it before, or with `trust`.

    Raises ConfigError for settings, ParameterError for those that this system cannot have and where
    training diverges, SamplesError for a run that no score can be learned from, FolderError for a
    folder that is not a run, is busy, has a score already, or is of another system than the
    `source`.
    """
    folder = path_of("folder", folder)
    check_free(folder, source is None, overwrite)
    check_overrides(overrides)
    data, problems = config.parse(folder / EXPERIMENT, list(overrides))
    table = data.setdefault("score", {})
    precision = table.get("precision") if isinstance(table, dict) else None
    if source is not None:
        precision = files.precision_of(source)
    check(folder)
    on = jax.enable_x64(precision == "float64")
    with named_by(folder / EXPERIMENT, trust), locked(folder), on:
        experiment = config.build(data, problems, folder.name, folder)
        trained = None if source is None else files.load(source)
        with open_run(folder) as dataset:
            work = _Work(folder, experiment, dataset, say, trained, source)
            if trained is not None:
                return work.judge(trained.score, [])
            return work.learn(tell, stop, overwrite)


class _Work:
    """A surveyed run with its settings, shared by training and evaluation. `trained` is a score
    from a `source`.
    """

    def __init__(
        self,
        folder: Path,
        experiment: config.Experiment,
        dataset: xr.Dataset,
        say: Callable[[str], None],
        trained: files.Trained | None,
        source: str | Path | None,
    ):
        self.folder, self.experiment, self.say = folder, experiment, say
        self.settings, self.trained, self.source = experiment.score, trained, source
        solver = _of_one_system(experiment, self.settings.member)
        check_solver(solver)
        self.samples = Samples(
            dataset,
            solver,
            after=float(self.settings.after),
            member=self.settings.member,
            dtype=trained.header["precision"] if trained else self.settings.precision,
            buffer=float(self.settings.buffer) * 1e6,
        )
        self.survey = self._surveyed(solver)
        self.solver = self.survey.solver
        self.train, self.check, self.test = self._parts()
        self.slopes = slopes(self.samples.components, self.settings.probes)
        self.together = WALKERS if self.samples.walkers else SNAPSHOTS
        solver, parity, taken = self.solver, self.survey.parity, self.slopes

        def measured(score, state, key):
            return sums(physics(solver, state, parity), taken(score, solver, state, key))

        self.measure = Evaluation(measured, solver, self.samples, self.together)

    def _surveyed(self, solver: StochasticSolver) -> Survey:
        """The survey, with the requested parity or that of the trained score. Raises FolderError
        for a score of another system.
        """
        trained, odd, drifting = self.trained, self.settings.odd, self.settings.drifting
        if trained is not None:
            try:
                trained.check(solver, self.samples.shapes)
            except SamplesError as error:
                raise FolderError(f"{self.source}: {error}") from None
            if odd is None:
                odd = tuple(name for name, sign in trained.parity.items() if sign < 0)
        found = survey(solver, self.samples, odd, drifting, learns=trained is None)
        if not found.singular or odd is not None:
            return found
        words = (
            "some variables have no noise, and rates depend on the parity of each under time "
            f"reversal: assumed {conventions(found.parity)}; change it with score.odd"
        )
        self.say(words)
        return found._replace(notes=(*found.notes, words))

    @functools.cached_property
    def origin(self) -> dict[str, Any]:
        """An identifier of the run and samples that a score was learned from."""
        return {
            "trajectories": _trajectories(self.experiment.resolved),
            "member": self.settings.member,
            "holdout": float(self.settings.holdout),
            "seed": self.settings.seed,
        }

    @functools.cached_property
    def elsewhere(self) -> bool:
        """Whether the score was learned from another run, or from another member of this one."""
        origin = None if self.trained is None else self.trained.header.get("run")
        if origin is None:
            return False
        former = _trajectories(with_kinds(self.experiment.resolved, former_kind))
        if origin["trajectories"] not in (self.origin["trajectories"], former):
            return True
        learned, member = origin["member"], self.origin["member"]
        if learned != member and None in (learned, member):
            allowed = "omit it" if learned is None else learned
            raise ParameterError(
                "score.member",
                f"given {member}, and the score is of this run, allowed: {allowed}, to evaluate "
                "held-out samples",
            )
        return learned != member

    def _parts(self) -> tuple[Part, Part, Part]:
        """Samples for training, checks and the verdict: all of them if none was used for
        training.
        """
        if self.elsewhere:
            return self.samples.everything, self.samples.everything, self.samples.everything
        cut = self.origin if self.trained is None else self.trained.header.get("run", self.origin)
        return self.samples.split(cut["holdout"], math.ceil(self.survey.correlation), cut["seed"])

    def _held_out(self, test: Part) -> str:
        """The held-out data of the verdict, in words."""
        what, count = "walkers" if self.samples.walkers else "members", self.samples.trajectories
        if self.elsewhere:
            several = f" of {count} {what}" if count > 1 else ""
            return f"{len(test.rows)} snapshots{several} of a run that was not used for training"
        if count > FEWEST_TRAJECTORIES:
            return f"{len(self.test.trajectories)} {what} held out from training"
        return (
            f"the last {len(self.test.rows)} snapshots, held out from training but of the same "
            "trajectory (variations slower than the run are in both)"
        )

    @under("score")
    def learn(
        self, tell: Callable[[TrainingProgress], None], stop: Callable[[], bool], anew: bool
    ) -> Learnt:
        """Train, from the checkpoint if there is one and not `anew`, and evaluate."""
        chosen, loss = self.settings, self.settings.loss
        mesh(chosen)  # before anything is computed
        buffer, together = chosen.buffer * 1e6, loss.snapshots()
        stream = Stream(self.samples, self.train, chosen.batch, chosen.seed, buffer, together)
        training, history = self._begun(anew)
        objective = under("loss")(loss.objective)(self.solver, self.survey.scales)
        training, history, done = train(
            training,
            chosen,
            stream,
            under("loss")(objective),
            self._errors,
            tell=tell,
            save=self._save,
            stop=stop,
            history=history,
        )
        if not done:
            return Learnt(self.folder, None, history, self.survey.notes)
        best = training.best if np.isfinite(float(training.least)) else training.average
        learnt = self.judge(best, history)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        return learnt

    def _begun(self, anew: bool) -> tuple[Training, list[TrainingProgress]]:
        """Training at its first step, or as restored from the checkpoint."""
        chosen, (key, initial) = self.settings, jax.random.split(jax.random.key(self.settings.seed))
        reference = chosen.resolved_reference()
        score = files.build(chosen.network, reference, self.solver, self._moments(), initial)
        leaves = jax.tree.leaves(eqx.filter(score, eqx.is_inexact_array))
        self.say(
            f"{sum(leaf.size for leaf in leaves)} parameters to learn from "
            f"{self.train.size} samples; about {self.survey.independent:.0f} samples of the run "
            "are independent"
        )
        training = begin(score, chosen, key)
        if anew or not (self.folder / CHECKPOINT).is_file():
            return training, []
        return self._resumed(training)

    def _errors(self, score: Score) -> tuple[float, float, float]:
        """The error of a score on the samples for checks, its standard error, and R^2."""
        part = self.check.thinned(self.settings.validation)
        table = self._table(self.measure(score, part), part)
        error = table.mean("error")
        return error.value, error.standard_error, table.r_squared().value

    def _save(self, training: Training, history: list[TrainingProgress]) -> None:
        header = {"fingerprint": self._fingerprint(), "history": list(map(list, history))}
        checkpoint.save(self.folder / CHECKPOINT, header, training)

    def judge(self, score: Any, history: list[TrainingProgress]) -> Learnt:
        """The verdict of a score on held-out samples, and its maps; both are written."""
        test, whole = self.test.thinned(self.settings.test), self.survey
        held_out = self._held_out(test)
        exact = self._table({"exact": whole.exact}, whole.part).mean("exact")
        table = self._table(self.measure(score, test), test)
        found = verdict(table, exact, held_out, whole.singular, whole.parity)
        header = (self._header() if self.trained is None else self.trained.header) | {
            "sentence": found.sentence,
            "verdict": {name: list(number) for name, number in found.numbers.items()},
        }
        if history:
            checkpoint.save(self.folder / SCORE, header, score)
        drawn = maps(
            score,
            self.solver,
            self.samples,
            test,
            whole.parity,
            self.slopes,
            self.settings.bins,
            self.together,
            whole.correlation,
        )
        result = dataset_of(found, drawn, history, header, whole, held_out)
        if self.source is not None:
            result.attrs["score_file"] = str(Path(self.source).resolve())
        write_dataset(result, self.folder / RESULT, seal=True)
        return Learnt(self.folder, found, history, whole.notes)

    def _table(self, numbers: dict[str, Any], part: Part) -> Table:
        """A table of the samples of a part, with the number of rows between independent ones."""
        return Table(numbers, max(1.0, self.survey.correlation / part.spacing))

    def _header(self) -> dict[str, Any]:
        chosen = self.settings
        return files.header(
            chosen.network,
            chosen.resolved_reference(),
            self.experiment.resolved["solver"]["kind"],
            self.solver,
            self.samples.shapes,
            chosen.precision,
            self.survey.parity,
        ) | {"run": self.origin}

    def _fingerprint(self, of: str | None = None) -> str:
        """A hash of everything that affects training; `of` is the experiment's fingerprint, by
        default the current one.
        """
        of = of or fingerprint(self.experiment)
        return _hash([of, settings(self.settings), settings(self.solver), len(self.samples.times)])

    def _resumed(self, training: Training) -> tuple[Training, list[TrainingProgress]]:
        path = self.folder / CHECKPOINT
        try:
            header = checkpoint.read_header(path)
            if header["fingerprint"] not in map(self._fingerprint, fingerprints(self.experiment)):
                raise FolderError(
                    f"{path} belongs to other settings or a shorter run: restore them, or "
                    "--overwrite it"
                )
            stored = checkpoint.load(path, training)
        except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError) as error:
            raise FolderError(f"{path} cannot be read ({error}): --overwrite it") from None
        self.say(f"continuing at step {int(stored.step)}")
        return stored, [TrainingProgress(*entry) for entry in header["history"]]

    def _moments(self) -> dict[str, Array]:
        """A subset of the training samples, for moments."""
        most, fewer = MOMENT_SAMPLES
        if not self.samples.walkers:
            fit = MOMENT_BYTES // (self.samples.components * self.samples.dtype.itemsize)
            most = max(2, min(fewer, fit))
        part = self.train.thinned(most)
        return jax.tree.map(jnp.asarray, flattened(self.samples.read(part.rows, part.trajectories)))


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=repr).encode()).hexdigest()


def _trajectories(resolved: dict[str, Any]) -> str:
    """A hash of everything that affects the trajectories, whatever the run length and the saved
    data.
    """
    run = {key: resolved["run"][key] for key in ("seed", "members", "precision")}
    return _hash([resolved["solver"], run])


def _of_one_system(experiment: config.Experiment, member: int | None) -> StochasticSolver:
    """The solver of the members used for training. Raises SamplesError if they differ and none is
    chosen.
    """
    axes = member_axes(experiment.solver)
    if member is not None and member >= experiment.run.members:
        raise ParameterError(
            "score.member", f"given {member}, allowed: up to {experiment.run.members - 1}"
        )
    if not jax.tree.leaves(axes):
        return experiment.solver
    if member is None:
        raise SamplesError(
            "the members differ in a parameter, but a score belongs to one system: choose one, "
            "as in score.member = 0"
        )
    return jax.tree.map(
        lambda leaf, axis: leaf if axis is None else leaf[member],
        experiment.solver,
        axes,
        is_leaf=lambda leaf: leaf is None,
    )
