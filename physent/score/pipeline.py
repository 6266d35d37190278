"""From a run folder to `score.eqx`, `score.nc` and a verdict."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from physent.errors import FolderError, Locked, ParameterError, SamplesError
from physent.experiment import building as config
from physent.experiment.settings import ScoreSettings
from physent.io import checkpoint
from physent.io.folder import EXPERIMENT, fingerprint, fingerprints, open_run, write_dataset
from physent.io.layout import provenance
from physent.io.lock import lock
from physent.learning.currents import physics
from physent.learning.derivatives import slopes
from physent.learning.splits import Part, Stream
from physent.learning.training import Training, TrainingProgress, begin, mesh, train
from physent.protocol.moved import former_kind, renamed_keyword, with_kinds
from physent.protocol.parameters import member_axes, settings
from physent.protocol.stochastic import StochasticSolver
from physent.score import trained as files
from physent.score.evaluation import Evaluation
from physent.score.maps import maps
from physent.score.samples import Samples
from physent.score.survey import Survey, check_solver, survey
from physent.score.trained import SCORE
from physent.score.verdict import Table, Verdict, conventions, label, sums, verdict

RESULT, CHECKPOINT, LOG = "score.nc", "score.checkpoint.eqx", "score.log"
WALKERS, SNAPSHOTS = 4096, 16  # samples evaluated together
RATES = ("total", "exact", "learned", "error", "medium", "system", "divergence", "velocity_score")
MOMENT_SAMPLES, MOMENT_BYTES = (1024, 256), 64 * 2**20


@dataclasses.dataclass(frozen=True)
class Learnt:
    """How learning ended: `verdict` is None where it was interrupted, and the same call goes on
    with it.
    """

    folder: Path
    verdict: Verdict | None
    history: list[TrainingProgress]
    notes: tuple[str, ...] = ()

    def dataset(self) -> xr.Dataset:
        """What was written to `score.nc`."""
        with xr.open_dataset(self.folder / RESULT) as dataset:
            return dataset.load()


@renamed_keyword(report="tell")
def learn(
    folder: str | Path,
    *,
    overrides: Sequence[str] = (),
    source: str | Path | None = None,
    overwrite: bool = False,
    tell: Callable[[TrainingProgress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda words: None,
    stop: Callable[[], bool] = lambda: False,
) -> Learnt:
    """Learn the score of a run by the [score] table of its experiment, write it and its verdict,
    and return that.

    `overrides` are keys as the command line has them ("score.steps=1000"). With `source`, a trained
    score, nothing is learned: its verdict on this run, which may be of another density or size, is
    written. What was interrupted goes on bit for bit. With `overwrite` files are replaced when new
    ones are there to be written, and not before.

    Raises ConfigError for settings, ParameterError for those that this system cannot have and where
    training diverges, SamplesError for a run that no score can be learned from, FolderError for a
    folder that is not a run, is busy, has a score already, or is of another system than the
    `source`.
    """
    folder = Path(folder)
    if not (folder / EXPERIMENT).is_file():
        raise FolderError(f"{folder} is not a run: there is no {folder / EXPERIMENT}")
    taken = [
        name
        for name in ((RESULT,) if source is not None else (SCORE, RESULT))
        if (folder / name).exists()
    ]
    begun = (
        source is None and (folder / CHECKPOINT).exists()
    )  # it goes on, and then replaces what is there
    if taken and not overwrite and not begun:
        raise FolderError(f"{folder / taken[0]} exists: --overwrite it")
    data, problems = config.parse(folder / EXPERIMENT, list(overrides))
    data.setdefault("score", {})
    table = data["score"]
    precision = table.get("precision") if isinstance(table, dict) else None
    if source is not None:
        precision = files.load(source).header["precision"]
    try:
        held = lock(folder / LOG)
    except Locked:
        raise FolderError(f"{folder}: another process is learning its score") from None
    except OSError as error:
        raise FolderError(f"{folder}: cannot be written: {error.strerror or error}") from None
    with held, jax.enable_x64(precision == "float64"):
        experiment = config.build(data, problems, folder.name, folder)
        trained = None if source is None else files.load(source)
        with open_run(folder) as dataset:
            work = _Work(folder, experiment, dataset, say, trained, source)
            if trained is not None:
                return work.judge(trained.score, [])
            return work.learn(tell, stop, overwrite)


class _Work:
    """A run with its settings, looked at: what learning and judging share. `trained` is a score
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
        self.folder, self.experiment, self.say, self.trained, self.source = (
            folder,
            experiment,
            say,
            trained,
            source,
        )
        self.settings: ScoreSettings = experiment.score
        self.solver = _of_one_system(experiment, self.settings.member)
        check_solver(self.solver)
        self.samples = Samples(
            dataset,
            self.solver,
            after=float(self.settings.after),
            member=self.settings.member,
            dtype=np.dtype(
                self.settings.precision if trained is None else trained.header["precision"]
            ),
            buffer=float(self.settings.buffer) * 1e6,
        )
        if trained is not None:
            try:
                trained.check(self.solver, self.samples.shapes)
            except SamplesError as error:
                raise FolderError(f"{source}: {error}") from None
        odd = self.settings.odd
        if trained is not None and odd is None:
            odd = tuple(name for name, sign in trained.parity.items() if sign < 0)
        self.survey: Survey = survey(
            self.solver, self.samples, odd, self.settings.drifting, learns=trained is None
        )
        if self.survey.singular and odd is None:
            words = (
                "some variables have no noise, and rates depend on what time reversal does to "
                "each: taken is "
                f"{conventions(self.survey.parity)}; score.odd says otherwise"
            )
            say(words)
            self.survey = self.survey._replace(notes=(*self.survey.notes, words))
        self.solver = self.survey.solver
        self.formerly = _trajectories(with_kinds(experiment.resolved, former_kind))
        self.origin = {
            "trajectories": _trajectories(experiment.resolved),
            "member": self.settings.member,
            "holdout": float(self.settings.holdout),
            "seed": self.settings.seed,
        }
        self.elsewhere = trained is not None and self._learned_elsewhere(trained.header)
        if self.elsewhere:
            self.train = self.check = self.test = self.samples.everything
        else:
            cut = self.origin if trained is None else trained.header.get("run", self.origin)
            gap = int(np.ceil(self.survey.correlation))
            self.train, self.check, self.test = self.samples.split(cut["holdout"], gap, cut["seed"])
        self.together = WALKERS if self.samples.walkers else SNAPSHOTS
        self.slopes = slopes(self.samples.components, self.settings.probes)
        solver, parity, taken = self.solver, self.survey.parity, self.slopes

        def measured(score, state, key):
            return sums(physics(solver, state, parity), taken(score, solver, state, key))

        self.measure = Evaluation(measured, self.solver, self.samples, self.together)

    def _learned_elsewhere(self, header: dict[str, Any]) -> bool:
        """Whether the file of a score says that it was learned from another run, or from another
        member of this one.
        """
        origin = header.get("run")
        if origin is None or origin["trajectories"] not in (
            self.origin["trajectories"],
            self.formerly,
        ):
            return origin is not None
        learned, member = origin["member"], self.origin["member"]
        if learned != member and None in (learned, member):
            allowed = "leave it out" if learned is None else learned
            raise ParameterError(
                "score.member",
                f"given {member}, and the score is of this run, allowed: {allowed}, to judge what "
                "was kept",
            )
        return learned != member

    def _held_out(self, test: Part) -> str:
        """What the verdict is of, in words."""
        what = "walkers" if self.samples.walkers else "members"
        if self.elsewhere:
            several = (
                f" of {self.samples.trajectories} {what}" if self.samples.trajectories > 1 else ""
            )
            return f"{len(test.rows)} snapshots{several} of a run that nothing was learned from"
        if self.samples.trajectories > 2:
            return f"{len(self.test.trajectories)} {what} kept from training"
        return (
            f"the last {len(self.test.rows)} snapshots, kept from training but of the same "
            "trajectory (what varies "
            "more slowly than the run is in both)"
        )

    def learn(
        self, tell: Callable[[TrainingProgress], None], stop: Callable[[], bool], anew: bool
    ) -> Learnt:
        """Train, from the checkpoint where there is one and not `anew`, and judge."""
        chosen = self.settings
        mesh(chosen)  # before anything is computed
        loss = chosen.loss
        stream = Stream(
            self.samples,
            self.train,
            chosen.batch,
            chosen.seed,
            chosen.buffer * 1e6,
            loss.snapshots(),
        )
        key, initial = jax.random.split(jax.random.key(chosen.seed))
        score = files.build(
            chosen.network, chosen.resolved_reference(), self.solver, self._moments(), initial
        )
        training, history = begin(score, chosen, key), []
        numbers = sum(
            leaf.size for leaf in jax.tree.leaves(eqx.filter(score, eqx.is_inexact_array))
        )
        independent = f"about {self.survey.independent:.0f} of the run's are independent"
        self.say(f"{numbers} numbers to learn from {self.train.size} samples; {independent}")
        if (self.folder / CHECKPOINT).is_file() and not anew:
            training, history = self._resumed(training)
        check = self.check.thinned(chosen.validation)

        def estimated(score: Any) -> tuple[float, float, float]:
            table = Table(self.measure(score, check), self._correlation(check))
            found = table.mean("error")
            return (
                found.value,
                found.standard_error,
                1 - table.ratio(table["error"], table["error_reference"]).value,
            )

        def save(training: Training, history: list[TrainingProgress]) -> None:
            header = {
                "fingerprint": self._fingerprint(),
                "history": [list(entry) for entry in history],
            }
            checkpoint.save(self.folder / CHECKPOINT, header, training)

        training, history, done = train(
            training,
            chosen,
            stream,
            loss.objective(self.solver, self.survey.scales),
            estimated,
            tell=tell,
            save=save,
            stop=stop,
            history=history,
        )
        if not done:
            return Learnt(self.folder, None, history, self.survey.notes)
        best = training.best if np.isfinite(float(training.least)) else training.average
        learnt = self.judge(best, history)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        return learnt

    def judge(self, score: Any, history: list[TrainingProgress]) -> Learnt:
        """The verdict of a score on the samples kept from training, and its maps; both are
        written.
        """
        test = self.test.thinned(self.settings.test)
        table = Table(self.measure(score, test), self._correlation(test))
        whole = self.survey
        everything = Table(
            {"exact": whole.exact, "contraction": whole.contraction}, self._correlation(whole.part)
        )
        held_out = self._held_out(test)
        found = verdict(table, everything, held_out, whole.singular, whole.parity)
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
        header = (self._header() if self.trained is None else self.trained.header) | {
            "sentence": found.sentence,
            "verdict": {name: list(number) for name, number in found.numbers.items()},
        }
        if history:
            checkpoint.save(self.folder / SCORE, header, score)
        result = _result(found, drawn, history, header, whole, held_out)
        if self.source is not None:
            result.attrs["score_file"] = str(Path(self.source).resolve())
        write_dataset(result, self.folder / RESULT)
        return Learnt(self.folder, found, history, whole.notes)

    def _header(self) -> dict[str, Any]:
        kind, chosen = self.experiment.resolved["solver"]["kind"], self.settings
        return files.header(
            chosen.network,
            chosen.resolved_reference(),
            kind,
            self.solver,
            self.samples.shapes,
            chosen.precision,
            self.survey.parity,
        ) | {"run": self.origin}

    def _fingerprint(self, of: str | None = None) -> str:
        """Of everything that decides what is learned; `of` is the experiment's fingerprint, by
        default as it is now.
        """
        data = [
            of or fingerprint(self.experiment),
            settings(self.settings),
            settings(self.solver),
            len(self.samples.times),
        ]
        return hashlib.sha256(json.dumps(data, sort_keys=True, default=repr).encode()).hexdigest()

    def _resumed(self, training: Training) -> tuple[Training, list[TrainingProgress]]:
        path = self.folder / CHECKPOINT
        try:
            header = checkpoint.read_header(path)
            if header["fingerprint"] not in map(self._fingerprint, fingerprints(self.experiment)):
                raise FolderError(
                    f"{path} is of other settings or of a shorter run: go back to them, or "
                    "--overwrite it"
                )
            stored = checkpoint.load(path, training)
        except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError) as error:
            raise FolderError(f"{path} cannot be read ({error}): --overwrite it") from None
        history = [TrainingProgress(*entry) for entry in header["history"]]
        self.say(f"goes on at step {int(stored.step)}")
        return stored, history

    def _moments(self) -> dict[str, Any]:
        """Some samples to train on, for moments."""
        size = self.samples.components * self.samples.dtype.itemsize
        most = (
            MOMENT_SAMPLES[0]
            if self.samples.walkers
            else max(2, min(MOMENT_SAMPLES[1], MOMENT_BYTES // size))
        )
        part = self.train.thinned(most)
        values = self.samples.read(part.rows, part.trajectories)
        return {
            name: jnp.asarray(value.reshape(-1, *value.shape[2:])) for name, value in values.items()
        }

    def _correlation(self, part: Part) -> float:
        """Rows of a part between independent ones."""
        return max(1.0, self.survey.correlation / part.spacing)


def _trajectories(resolved: dict[str, Any]) -> str:
    """Of everything that decides where a run goes, however long it is and whatever is kept of
    it.
    """
    run = {key: resolved["run"][key] for key in ("seed", "members", "precision")}
    return hashlib.sha256(
        json.dumps([resolved["solver"], run], sort_keys=True, default=repr).encode()
    ).hexdigest()


def _of_one_system(experiment: config.Experiment, member: int | None) -> StochasticSolver:
    """The solver of the members a score is learned from. Raises SamplesError where they differ and
    none is named.
    """
    axes = member_axes(experiment.solver)
    if member is not None and member >= experiment.run.members:
        raise ParameterError(
            "score.member", f"given {member}, allowed: up to {experiment.run.members - 1}"
        )
    if all(axis is None for axis in jax.tree.leaves(axes, is_leaf=lambda leaf: leaf is None)):
        return experiment.solver
    if member is None:
        raise SamplesError(
            "the members differ in a parameter, and a score belongs to one system: name one, "
            "score.member = 0"
        )
    return jax.tree.map(
        lambda leaf, axis: leaf if axis is None else leaf[member],
        experiment.solver,
        axes,
        is_leaf=lambda leaf: leaf is None,
    )


def _result(
    found: Verdict,
    drawn: xr.Dataset,
    history: list[TrainingProgress],
    header: dict[str, Any],
    survey: Survey,
    held_out: str,
) -> xr.Dataset:
    """What goes to `score.nc`."""
    data: dict[str, Any] = {}
    for name, number in found.numbers.items():
        units = "1/time" if name.startswith(RATES) else "1"
        data[name] = (
            (),
            number.value,
            {"units": units, "long_name": label(name), "role": "verdict"},
        )
        data[f"{name}_error"] = (
            (),
            number.standard_error,
            {"units": units, "long_name": f"standard error of {label(name)}"},
        )
    if history:
        for name in ("loss", "error", "standard_error", "r_squared", "seconds"):
            values = np.asarray([getattr(entry, name) for entry in history])
            data[f"training_{name}"] = (
                ("step",),
                values,
                {"long_name": f"{name.replace('_', ' ')} while training"},
            )
        data["step"] = (
            ("step",),
            np.asarray([entry.step for entry in history]),
            {"long_name": "step of training"},
        )
    attributes = provenance(0, header["precision"]) | {
        "title": "learned score",
        "sentence": found.sentence,
        "state": found.state,
        "kept": held_out,
        "independent_samples": survey.independent,
        "correlation_rows": survey.correlation,
        "parity": json.dumps(survey.parity),
        "network": json.dumps(header["network"]),
        "reference": header["reference"],
        "notes": "; ".join(survey.notes) or "none",
    }
    attributes.pop("seed")
    return xr.Dataset(data, attrs=attributes).merge(drawn)
