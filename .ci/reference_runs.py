"""Holds the bits of ten short runs of one commit to those of another: python .ci/reference_runs.py
BEFORE [AFTER]

Two runs of each of five systems, from experiment files that stand here, so that they are the same
for both commits. Each commit is exported, built and installed into a folder of its own; the
packages it needs are those of the Python that runs this. What is compared are the bytes of every
variable of run.nc by name, and the leaves of the checkpoint. AFTER is by default the working tree
with what git does not ignore. Exit code 1 where something differs.

There are no hashes to compare with: other machines, other processors have other bits.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import netCDF4
import numpy as np

ROOT = Path(__file__).parents[1]
RUNS = {
    "nlse_soliton": """
        [solver]
        kind = "nlse"
        n = 256
        length = 50.0
        dt = 0.01
        initial = { kind = "soliton", amplitude = 2.0, position = -10.0, velocity = 1.0 }
        [run]
        t_end = 4.0
        save_every = 0.2
        [[diagnostics]]
        kind = "entropy"
        of = "density"
        [[diagnostics]]
        kind = "permutation_entropy"
        of = "density"
        [[diagnostics]]
        kind = "error"
        of = "psi"
        """,
    "nlse_members": """
        [solver]
        kind = "nlse"
        n = 128
        length = 20.0
        dt = 0.01
        nonlinearity = [0.5, 1.0, 2.0]
        method = "etdrk4"
        initial = { kind = "soliton", amplitude = 1.0 }
        [run]
        t_end = 2.0
        save_every = 0.1
        snapshot_every = 0.5
        members = 3
        [[diagnostics]]
        kind = "entropy"
        of = "psi"
        outcomes = "spectrum"
        measure = { kind = "renyi", order = 2.0 }
        """,
    "klein_gordon_breather": """
        [solver]
        kind = "klein_gordon"
        n = 256
        length = 80.0
        dt = 0.04
        potential = "sine_gordon"
        method = "blanes_moan_4"
        initial = { kind = "breather", frequency = 0.5 }
        [run]
        t_end = 8.0
        save_every = 0.4
        [[diagnostics]]
        kind = "differential_entropy"
        of = "energy_density"
        """,
    "klein_gordon_kink": """
        [solver]
        kind = "klein_gordon"
        n = 256
        length = 40.0
        dt = 0.02
        potential = "phi4"
        boundary = "antiperiodic"
        initial = { kind = "phi4_kink", velocity = 0.3 }
        [run]
        t_end = 4.0
        save_every = 0.2
        precision = "float32"
        [[diagnostics]]
        kind = "entropy"
        of = "phi"
        outcomes = { kind = "histogram", low = -2.0, high = 2.0 }
        """,
    "kelvin_helmholtz_projection": """
        [solver]
        kind = "kelvin_helmholtz"
        nx = 64
        nz = 32
        dt = 0.05
        reynolds = 500.0
        noise = 0.01
        with_dye = true
        [run]
        t_end = 2.0
        save_every = 0.1
        snapshot_every = 0.5
        seed = 3
        [[diagnostics]]
        kind = "dye_entropy"
        of = "dye"
        [[diagnostics]]
        kind = "mixing_efficiency"
        """,
    "kelvin_helmholtz_spectral": """
        [solver]
        kind = "kelvin_helmholtz"
        nx = 64
        nz = 64
        length = 1.0
        height = 1.0
        dt = 0.01
        walls = "periodic"
        method = "spectral"
        stepping = "fixed"
        buoyancy = 0.0
        initial = { kind = "double_shear", density_thickness = 0.05 }
        [run]
        t_end = 0.5
        save_every = 0.05
        [[diagnostics]]
        kind = "entropy"
        of = "vorticity"
        outcomes = { kind = "histogram", low = -40.0, high = 40.0 }
        """,
    "couzin_school": """
        [solver]
        kind = "couzin"
        n = 60
        dt = 0.1
        speed = 3.0
        repulsion_radius = 1.0
        orientation_width = 3.5
        attraction_width = 14.0
        [run]
        t_end = 20.0
        save_every = 0.5
        [[diagnostics]]
        kind = "school_entropy"
        [[diagnostics]]
        kind = "velocity_correlation"
        """,
    "couzin_members": """
        [solver]
        kind = "couzin"
        n = 40
        dt = 0.1
        orientation_width = [0.5, 2.0]
        [run]
        t_end = 10.0
        save_every = 0.5
        seed = 7
        members = 2
        precision = "float32"
        [[diagnostics]]
        kind = "nearest_neighbour_entropy"
        of = "position"
        """,
    "active_matter_trap": """
        [solver]
        kind = "active_matter"
        particles = 32
        boundary = "open"
        speed = 0.3
        trap = 0.05
        diffusivity = 0.1
        propulsion = { kind = "ornstein_uhlenbeck", rate = 0.1 }
        force = { kind = "softplus", strength = 2.5, sharpness = 7.5 }
        method = "splitting"
        dt = 0.02
        [run]
        t_end = 10.0
        save_every = 0.5
        precision = "float32"
        [[diagnostics]]
        kind = "entropy_production"
        after = 2.0
        """,
    "active_matter_periodic": """
        [solver]
        kind = "active_matter"
        particles = 200
        packing_fraction = 0.4
        dt = 0.002
        [run]
        t_end = 2.0
        save_every = 0.1
        [[diagnostics]]
        kind = "clusters"
        [[diagnostics]]
        kind = "radial_distribution"
        """,
}


def export(commit: str | None, place: Path) -> None:
    """The files of a commit, or of the working tree, in a folder."""
    place.mkdir()
    if commit is not None:
        packed = subprocess.run(
            ["git", "archive", commit], cwd=ROOT, check=True, capture_output=True
        ).stdout
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(place, filter="data")
        return
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    there = b"\0".join(
        name for name in listed.split(b"\0") if name and os.path.lexists(ROOT / os.fsdecode(name))
    )
    subprocess.run(
        ["xargs", "-0", "cp", "-P", "--parents", "-t", place, "--"],
        cwd=ROOT,
        check=True,
        input=there + b"\0",
    )


def installed(commit: str | None, place: Path) -> Path:
    """A folder to put on PYTHONPATH, with the physent of a commit alone in it."""
    export(commit, place / "source")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "--no-deps",
    ]
    subprocess.run(
        [*pip, "--target", place / "site", place / "source"], check=True, stderr=subprocess.DEVNULL
    )
    return place / "site"


def digests(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and hash of every variable of a run, and of its checkpoint without the header."""
    with netCDF4.Dataset(folder / "run.nc") as file:
        file.set_auto_maskandscale(False)
        for name, variable in file.variables.items():
            values = np.ascontiguousarray(variable[...])
            yield (
                name,
                hashlib.sha256(
                    f"{values.dtype} {values.shape}".encode() + values.tobytes()
                ).hexdigest(),
            )
    leaves = (folder / "checkpoint.eqx").read_bytes().partition(b"\n")[2]
    yield "checkpoint", hashlib.sha256(leaves).hexdigest()


def run(site: Path, place: Path, name: str, text: str) -> dict[str, str]:
    """The digests of one run by the physent in `site`."""
    place.mkdir(exist_ok=True)
    (place / f"{name}.toml").write_text(text, encoding="utf-8")
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "XLA_", "JAX_"))
    }
    subprocess.run(
        [sys.executable, "-P", "-m", "physent", "run", f"{name}.toml", "--output", name, "--quiet"],
        cwd=place, check=True, env=environment | {"PYTHONPATH": str(site)},
    )  # fmt: skip
    return dict(digests(place / name))


def main() -> int:
    """Print what differs; exit code 1 where something does."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", help="another; default: the working tree")
    arguments = parser.parse_args()
    for commit in filter(None, (arguments.before, arguments.after)):
        known = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        if known.returncode:
            parser.error(f"given {commit!r}, allowed: a commit")
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, which) for which in ("before", "after")]
        for place in places:
            place.mkdir()
        sites = [
            installed(commit, place)
            for commit, place in zip((arguments.before, arguments.after), places, strict=True)
        ]
        for name, text in RUNS.items():
            before, after = (
                run(site, place / "runs", name, text)
                for site, place in zip(sites, places, strict=True)
            )
            odd = sorted(
                key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
            )
            differing += bool(odd)
            print(
                f"{name}: {len(before)} arrays, "
                + (f"differ: {', '.join(odd)}" if odd else "equal"),
                flush=True,
            )
    print(f"{len(RUNS) - differing} of {len(RUNS)} runs are equal in every bit")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
