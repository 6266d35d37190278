"""Learned scores of linear systems beside the exact ones: run, train, compare.

    python -m experiments.langevin.learned [FOLDER] [NAME ...]

The true error is E[ds . D ds] against s = -S^-1 x over fresh draws of the exact stationary density;
the identity's is the one that `physent score` states.
"""

import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import physent
from physent.experiment.building import load_experiment
from physent.score.pipeline import learn
from physent.score.trained import load

HERE = Path(__file__).parent
NAMES = ("ou_rotation", "aoup_trap", "bead_spring", "gyrator")
DRAWS = 200_000


def true_error(folder: Path, solver) -> tuple[float, float]:
    """E[ds . D ds] and E[s . D s] of the exact score, over draws of the exact density."""
    covariance = solver.exact_production().covariance
    diffusion = solver.system.diffusion()
    x = (
        jax.random.normal(jax.random.key(17), (DRAWS, covariance.shape[0]))
        @ jnp.linalg.cholesky(covariance).T
    )
    exact = -x @ jnp.linalg.inv(covariance)
    learned = load(folder).score(solver, solver.at({"position": x}))["position"]
    each = jnp.sum(diffusion[None, :] * (learned - exact) ** 2, axis=1)
    return float(jnp.mean(each)), float(jnp.mean(jnp.sum(diffusion[None, :] * exact**2, axis=1)))


def compared(name: str, root: Path) -> dict[str, float]:
    """One system: what was learned, what is exact, and how long it took."""
    experiment = load_experiment(HERE / f"{name}.toml")
    folder = root / name
    begun = time.perf_counter()
    physent.run(experiment, output=folder).close()
    simulated = time.perf_counter() - begun
    learnt = learn(folder)
    assert learnt.verdict is not None
    trained = time.perf_counter() - begun - simulated
    numbers = learnt.verdict.numbers
    exact = float(experiment.solver.exact_production().total)
    error, square = true_error(folder, experiment.solver)
    return {
        "exact": exact,
        "learned": numbers["total"].value,
        "learned_se": numbers["total"].standard_error,
        "allowed": max(0.02 * exact, 0.005 * square),
        "true_error": error,
        "identity": numbers["error"].value,
        "identity_se": numbers["error"].standard_error,
        "true_r2": 1 - error / square,
        "identity_r2": numbers["r_squared"].value,
        "run_s": simulated,
        "train_s": trained,
    }


def main(arguments: list[str]) -> None:
    jax.config.update("jax_enable_x64", True)
    names = [name for name in arguments if name in NAMES] or list(NAMES)
    folders = [name for name in arguments if name not in NAMES]
    root = Path(folders[0] if folders else tempfile.mkdtemp())
    for name in names:
        row = compared(name, root)
        off = abs(row["learned"] - row["exact"])
        z = (row["identity"] - row["true_error"]) / row["identity_se"]
        print(
            f"{name}: exact {row['exact']:.6f} learned "
            f"{row['learned']:.5f}({row['learned_se']:.5f}), off by "
            f"{off:.5f} of {row['allowed']:.5f} allowed; true R^2 {row['true_r2']:.5f}; error: "
            "true "
            f"{row['true_error']:.5f}, identity {row['identity']:.5f}({row['identity_se']:.5f}), "
            f"{z:+.2f} se; "
            f"run {row['run_s']:.1f} s, training and verdict {row['train_s']:.1f} s",
            flush=True,
        )
        assert np.isfinite(off)


if __name__ == "__main__":
    main(sys.argv[1:])
