"""Checks that need four devices, for test_devices.py: python tests/on_devices.py NAME... prints one
JSON line a name.

A process of its own, since the number of devices is fixed when JAX starts.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

os.environ["XLA_FLAGS"] = (
    f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4".strip()
)

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equations import Layers, Schroedinger
from jax.sharding import NamedSharding
from toys import Heat

import physent
from experiments.benchmarks.communication import exchanges
from physent import runs
from physent.diagnostics import Entropy
from physent.engine import devices
from physent.engine.cadence import Cadence
from physent.engine.portions import Portion
from physent.engine.program import Program
from physent.engine.rows import Instant
from physent.experiment.settings import RunSettings
from physent.numerics import slab
from physent.solvers import (
    NLSE,
    ActiveMatter,
    Couzin,
    KelvinHelmholtz,
    KleinGordon,
    LinearLangevin,
    NavierStokes2D,
    TiltedRing,
)
from physent.solvers.kelvin_helmholtz.initial import TaylorGreen

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

STARTS = np.random.default_rng(0).uniform(-3, 3, (8, 20, 3))  # arrays that are given, by member
MEMBERS = {
    "heat": lambda: Heat(nu=np.linspace(0.1, 0.3, 8)),
    "nlse": lambda: NLSE(n=64, method="dopri8", nonlinearity=np.linspace(0.5, 1.0, 8)),
    "klein_gordon": lambda: KleinGordon(n=64),
    "kelvin_helmholtz": lambda: KelvinHelmholtz(nx=16, nz=8, noise=0.1),
    "kelvin_helmholtz_spectral": lambda: KelvinHelmholtz(nx=16, nz=8, noise=0.1, method="spectral"),
    "active_matter": lambda: ActiveMatter(
        particles=64, neighbors=6, speed=0.5, skin=0.2, diffusivity=0.1
    ),
    "couzin": lambda: Couzin(n=20, initial={"position": STARTS, "heading": STARTS[..., ::-1] + 1}),
    "linear_langevin": lambda: LinearLangevin(),
    "tilted_ring": lambda: TiltedRing(),
}
CUT = {
    "nlse": lambda: NLSE(n=64, length=20.0),
    "nlse_etdrk4": lambda: NLSE(n=64, length=20.0, method="etdrk4", dealias="filter"),
    "spectral": lambda: KelvinHelmholtz(nx=16, nz=8, noise=0.05, method="spectral"),
    "spectral_periodic": lambda: KelvinHelmholtz(
        nx=16, nz=8, noise=0.05, method="spectral", walls="periodic", initial=TaylorGreen()
    ),
    "field_2d": lambda: NavierStokes2D(n=(16, 24)),
    "field_walls": lambda: Layers(n=(16, 8), boundary=("periodic", "walls")),
    "field_walls_first": lambda: Layers(n=(8, 16), boundary=("walls", "periodic"), method="etdrk2"),
    "field_3d": lambda: Layers(n=(8, 8, 6), boundary=("walls", "periodic", "periodic")),
    "field_complex": lambda: Schroedinger(n=(8, 8, 4), method="strang", dealias="filter"),
    "particles": lambda: ActiveMatter(
        particles=64, neighbors=6, speed=0.5, skin=0.2, diffusivity=0.1
    ),
    "particles_splitting": lambda: ActiveMatter(
        particles=64,
        neighbors=30,
        speed=0.5,
        skin=0.2,
        method="splitting",
        boundary="open",
        trap=0.1,
        initial=10 * np.random.default_rng(1).uniform(-1, 1, (64, 2)),
    ),
}


def members(case):
    """Names of the variables whose bits differ between one device and four."""
    solver = MEMBERS[case]()
    every = 10 * float(solver.dt)
    settings: dict[str, Any] = dict(t_end=5 * every, save_every=every, members=8)
    one, four = (physent.run(solver, devices=count, **settings) for count in (1, 4))
    return {
        "differ": [
            name for name in one if one[name].values.tobytes() != four[name].values.tobytes()
        ],
        "finite": all(bool(np.isfinite(four[name]).all()) for name in four),
        "devices": int(four.attrs["devices"]),
    }


def member_program(solver=None):
    """What the devices of members say to each other."""
    return compiled_chunk(
        Program(solver or MEMBERS["nlse"](), (Entropy(of="density"),), 8, devices=4)
    )[0]


def compiled_chunk(program):
    """The kinds of exchange in a chunk with their number and largest size, and what it returns
    after ten steps.
    """
    solver = program.solver
    every = 10 * float(solver.dt)
    cadence = Cadence.of(solver, RunSettings(t_end=every, save_every=every))
    state = program.init(solver, jax.random.key(1))
    carries, _ = program.first_row(solver, state)
    portion = Portion.of_rows(cadence, 0, 1)
    numbers = program.arguments(Instant(solver, state, carries), portion, cadence, 1)
    compiled = program.compiled(cadence, 1, *numbers)
    found = exchanges(compiled)
    kinds = {
        kind: [n, max(e.size for e in found if e.kind == kind)]
        for kind, n in Counter(e.kind for e in found).items()
    }
    return kinds, compiled(*numbers)


def cut(case):
    """The exchanges, and the largest difference of a variable between one device and four, relative
    if it is large.
    """
    solver = CUT[case]()
    of = "position" if case.startswith("particles") else "density"
    diagnostics = () if case.startswith(("particles", "field")) else (Entropy(of=of),)
    (_, one), (kinds, four) = (
        compiled_chunk(Program(solver, diagnostics, devices=count)) for count in (1, 4)
    )
    worst = {}
    for name, value in (one[2].series | one[2].fields).items():
        value, other = np.asarray(value), np.asarray((four[2].series | four[2].fields)[name])
        if name == "phase":  # has no digits where the wave has none
            value, other = (
                np.sin(value) * (density := np.asarray(one[2].fields["density"])),
                np.sin(other) * density,
            )
        worst[name] = float(np.max(np.abs(value - other)) / max(1.0, np.max(np.abs(value))))
    return {
        "kinds": kinds,
        "worst": max(worst.values()),
        "where": max(worst, key=worst.__getitem__),
    }


def transforms():
    """Errors of the transforms against numpy's, and what a plain transform does to a cut array."""
    rng, mesh = np.random.default_rng(0), devices.mesh_of(4, 1)

    def on_slabs(function, values, axis):
        values = jax.device_put(values, NamedSharding(mesh, slab.spec(axis)))

        def traced(values):
            with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
                return function(values)

        compiled = jax.jit(traced).lower(values).compile()
        return np.asarray(compiled(values)), [exchange.kind for exchange in exchanges(compiled)]

    line, plane = rng.normal(size=48) + 1j * rng.normal(size=48), rng.normal(size=(8, 20))
    modes, of_line = (
        np.fft.fft(line),
        on_slabs(lambda x: slab.order(48) + 0 * x, np.zeros(48, int), 0)[0],
    )
    found = {
        "fft": (on_slabs(slab.fft, line, 0), modes[of_line]),
        "ifft": (on_slabs(slab.ifft, modes[of_line], 0), line),
        "rfft": (on_slabs(slab.rfft, plane, 1), np.fft.rfft(plane)),
        "irfft": (on_slabs(lambda x: slab.irfft(x, 20), np.fft.rfft(plane), 0), plane),
        "rfft2": (on_slabs(slab.rfft2, plane, 1), np.fft.rfft2(plane)),
        "irfft2": (on_slabs(lambda x: slab.irfft2(x, plane.shape), np.fft.rfft2(plane), 0), plane),
    }
    errors = {
        name: float(np.max(np.abs(value - exact))) for name, ((value, _), exact) in found.items()
    }
    kinds = {name: kinds for name, ((_, kinds), _) in found.items()}
    return {"errors": errors, "kinds": kinds, "plain": on_slabs(jnp.fft.fft, line, 0)[1]}


def resumed():
    """Differences from the run on one device of one that began on four and was resumed on two."""
    settings: dict[str, Any] = dict(t_end=1.0, save_every=0.1, chunk=2)
    whole, of_members = {}, {}
    for kind, solver, extra in (
        ("cut", CUT["nlse"](), {}),
        ("members", MEMBERS["heat"](), {"members": 8}),
    ):
        of_four: dict[str, Any] = {"devices": 4, "precision": "float64", **extra}
        one = physent.run(solver, **settings, **extra)  # pyright: ignore[reportArgumentType]
        with tempfile.TemporaryDirectory() as place:
            experiment = runs.describe(
                solver,
                [],
                RunSettings(**settings, **of_four),
                runs.OutputSettings(),
                "run",
            )
            calls = iter(range(100))
            first = runs.execute(
                experiment, Path(place) / "run", stop=lambda calls=calls: next(calls) >= 1
            )
            last = runs.resume(Path(place) / "run", devices=2)
            with last.dataset() as run:
                results = whole if kind == "cut" else of_members
                results |= {
                    "reasons": [first.outcome.reason, last.outcome.reason],
                    "devices": int(run.attrs["devices"]),
                    "worst": max(
                        float(np.max(np.abs(one[name] - run[name])))
                        for name in one
                        if name != "phase"
                    ),
                }
    return {"cut": whole, "members": of_members}


def grown():
    """A cut run whose neighbour lists are too small at the start, against one whose are not."""
    settings: dict[str, Any] = dict(t_end=0.2, save_every=0.1, devices=4)
    solver = CUT["particles"]()
    small, large = (
        physent.run(solver, **settings),
        physent.run(
            eqx.tree_at(
                lambda s: s.dt,
                ActiveMatter(particles=64, neighbors=40, speed=0.5, skin=0.2, diffusivity=0.1),
                solver.dt,
            ),
            **settings,
        ),
    )
    return {"worst": float(np.max(np.abs(small.position - large.position)))}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        function, _, case = name.partition(":")
        print(json.dumps({name: globals()[function](*[case] if case else [])}), flush=True)
