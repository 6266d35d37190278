"""`score.eqx`: a trained score with all that is needed to rebuild it, its system and its
verdict.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from physent.errors import FolderError, ParameterError, SamplesError, path_of
from physent.experiment.making import make
from physent.io import checkpoint
from physent.io.sources import named_in
from physent.learning.model import Network, Residual, Score, Values, noisy
from physent.learning.networks import NETWORKS
from physent.learning.pairs import adapted
from physent.protocol import registry
from physent.protocol.parameters import kind_of, settings
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver
from physent.score.survey import check_equation

SCORE = "score.eqx"
FORMAT = 2  # those before 2 have no digest


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained score, the solver of the run it was learned from, and the header of the file."""

    score: Score
    solver: StochasticSolver
    header: dict[str, Any]

    @property
    def parity(self) -> dict[str, int]:
        """The parity of the variables used in training."""
        return {str(name): int(sign) for name, sign in self.header["parity"].items()}

    def check(self, solver: Solver, shapes: Mapping[str, Sequence[int]]) -> None:
        """Raise SamplesError unless it is a score of this solver with variables of these shapes."""
        solver = check_equation(solver)
        name, given, wanted = type(solver).__name__, sorted(solver.parity()), sorted(self.parity)
        if given != wanted or solver.independent() != self.solver.independent():
            raise SamplesError(
                f"the score is of {type(self.solver).__name__}, whose variables are "
                f"{', '.join(wanted)}; those of {name} are {', '.join(given)}"
            )
        zeros = {
            variable: jax.ShapeDtypeStruct(tuple(shapes[variable]), solver.dt.dtype)
            for variable in wanted
        }
        learnable: list[str] = []

        def scored(zeros: Values) -> Any:
            state = solver.at(zeros)
            learnable.extend(noisy(solver, state))
            try:
                return self.score(solver, state)
            except (TypeError, ValueError):  # shapes or forces that the network cannot have
                return {}

        found = eqx.filter_eval_shape(scored, zeros)
        if {variable: value.shape for variable, value in found.items()} != {
            variable: zeros[variable].shape for variable in learnable
        }:
            words = ", ".join(f"{variable} {zeros[variable].shape}" for variable in wanted)
            raise SamplesError(
                f"the score, by the network {self.header['network']['kind']!r}, is not for "
                f"{words} with noise in {' and '.join(learnable)}"
            )


@contextlib.contextmanager
def under(table: str) -> Iterator[None]:
    """Prefix the keys of errors in training settings with their table in the experiment."""
    try:
        yield
    except ParameterError as error:
        raise ParameterError(f"{table}.{error.key}", error.message) from None


def build(
    network: Network, reference: str, solver: StochasticSolver, samples: Values, key: PRNGKeyArray
) -> Score:
    """An untrained score: the network, or the residual to a reference."""
    bare = under("network")(network.build)(solver, samples, key)
    if reference == "none":
        return bare
    return Residual(bare, "drift" if reference == "drift" else "equilibrium")


def header(
    network: Network,
    reference: str,
    kind: str,
    solver: StochasticSolver,
    shapes: Mapping[str, tuple[int, ...]],
    precision: str,
    parity: Mapping[str, int],
) -> dict[str, Any]:
    """The header that `load` needs; `kind` is the solver kind of the experiment."""
    return {
        "format": FORMAT,
        "physent": version("physent"),
        "network": {"kind": kind_of(network, NETWORKS)} | settings(network),
        "reference": reference,
        "solver": {"kind": kind} | settings(solver),
        "shapes": {name: list(shape) for name, shape in shapes.items()},
        "precision": precision,
        "parity": dict(parity),
    }


def _file_of(path: str | Path) -> Path:
    path = path_of("path", path)
    path = path / SCORE if path.is_dir() else path
    if not path.is_file():
        raise FolderError(f"{path}: no trained score; train one with 'physent score DIR'")
    return path


def precision_of(path: str | Path) -> str:
    """The precision of a trained score. Raises FolderError as `load` does."""
    file = _file_of(path)
    try:
        return str(checkpoint.read_header(file)["precision"])
    except (KeyError, ValueError, OSError) as error:
        raise FolderError(f"{file}: cannot be read as a trained score: {error}") from None


def load(path: str | Path) -> Trained:
    """Load the trained score from a file or a run folder. Raises FolderError if there is none, and
    where it is of a solver of somebody's own that is not loaded: nothing is executed for it.
    """
    path = _file_of(path)
    with jax.ensure_compile_time_eval():  # it may be asked for while a program is traced
        return _load(
            path.resolve(), path.stat().st_mtime_ns, bool(jax.config.read("jax_enable_x64"))
        )


@functools.lru_cache(maxsize=8)
def _load(path: Path, changed: int, wide: bool) -> Trained:
    try:
        return _read(path, wide)
    except (KeyError, ValueError, TypeError, OSError, RuntimeError, EOFError) as error:
        raise FolderError(f"{path}: cannot be read as a trained score: {error}") from None


def _read(path: Path, wide: bool) -> Trained:
    with named_in(path.parent):  # parts of the solver may be named by their places
        found = checkpoint.read_header(path)
        if found["format"] not in range(1, FORMAT + 1):
            raise FolderError(
                f"{path}: has score format {found['format']}, but this physent reads up to {FORMAT}"
            )
        with jax.enable_x64(found["precision"] == "float64"):
            like = skeleton(
                network_of(found["network"]),
                found["reference"],
                solver_of(found["solver"], path.parent),
                found["shapes"],
                jnp.dtype(found["precision"]),
            )
            stored = checkpoint.load(path, like)
        with jax.enable_x64(wide):
            score = adapted(stored, jnp.result_type(float))
            return Trained(score, solver_of(found["solver"], path.parent), found)


def skeleton(
    network: Network,
    reference: str,
    solver: StochasticSolver,
    shapes: Mapping[str, Any],
    dtype: Any,
) -> Score:
    """A score with the shapes of its arrays instead of values."""
    samples = {
        name: jax.ShapeDtypeStruct((2, *map(int, shape)), dtype) for name, shape in shapes.items()
    }
    return eqx.filter_eval_shape(
        lambda samples, key: build(network, reference, solver, samples, key),
        samples,
        jax.random.key(0),
    )


def solver_of(table: Mapping[str, Any], folder: Path) -> StochasticSolver:
    """The solver that a header names, with its files in a folder; anybody may have written it, so
    that it executes nothing.
    """
    return _made(registry.loaded("solvers", table["kind"]), table, folder)


def network_of(table: Mapping[str, Any]) -> Network:
    """The network that a header names."""
    return _made(NETWORKS[table["kind"]], table)


def _made(cls: type, table: Mapping[str, Any], folder: Path | None = None) -> Any:
    data = {name: value for name, value in table.items() if name != "kind"}
    return make(cls, data, folder=folder)
