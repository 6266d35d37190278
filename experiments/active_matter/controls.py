"""What a score owes to network, loss and data: python -m experiments.active_matter.controls RUN
[NAME ...]

RUN is a run of `trap64_score` or `mips_score` and is left as it is: every variant is learned from a
copy, with the steps, the batch and the samples of its own [score] table (or of --set
score.steps=300), and judged on the same snapshots. Prints a Markdown table; the variants are

    own                  the physics-informed network and the implicit loss of the experiment
    transformer          the published network, which knows no physics
    wider transformer    the same with tokens of twice the width
    denoising            the loss that needs no divergence, its noise by the rule
    denoising 0.01       with the published noise, as wide as what is to be learned where discs
        touch
    shuffled             the propulsions of one snapshot with the positions of another: nothing to
        learn
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import equinox as eqx
import jax
import netCDF4
import numpy as np

from physent.score.pipeline import learn
from physent.score.trained import load
from physent.score.verdict import Verdict

VARIANTS = {
    "own": [],
    "transformer": ['score.network={kind="particle_transformer"}'],
    "wider transformer": ['score.network={kind="particle_transformer", width=64, heads=4}'],
    "denoising": ['score.loss={kind="denoising"}'],
    "denoising 0.01": ['score.loss={kind="denoising", noise=0.01}'],
    "shuffled": [],
}


def shuffle(file: Path) -> None:
    """Other propulsions for every snapshot: those of another time."""
    with netCDF4.Dataset(file, "r+") as dataset:
        propulsion = dataset["propulsion"]
        propulsion[:] = propulsion[:][np.random.default_rng(0).permutation(len(propulsion))]


def learned(run: Path, name: str, overrides: list[str]) -> tuple[Verdict, int, float]:
    """The verdict of a variant, how many numbers were learned, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        folder.mkdir()
        for file in ("experiment.toml", "run.nc"):
            shutil.copy(run / file, folder / file)
        if name == "shuffled":
            shuffle(folder / "run.nc")
        started = time.perf_counter()
        found = learn(folder, overrides=[*VARIANTS[name], *overrides]).verdict
        seconds = time.perf_counter() - started
        assert found is not None
        leaves = jax.tree.leaves(eqx.filter(load(folder).score, eqx.is_inexact_array))
        return found, sum(leaf.size for leaf in leaves), seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.active_matter.controls")
    parser.add_argument("run", type=Path)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(VARIANTS)}; default: all")
    parser.add_argument(
        "--set", action="append", default=[], help="a key of all variants, as in score.steps=300"
    )
    arguments = parser.parse_args()
    print("| variant | numbers learned | R^2 | learned over exact | s |\n|---|---|---|---|---|")
    for name in arguments.names or VARIANTS:
        found, count, seconds = learned(arguments.run, name, arguments.set)
        ratio = found.numbers["total"].value / found.numbers["exact"].value
        print(
            f"| {name} | {count:,} | {found.numbers['r_squared']} | {ratio:.3f} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
