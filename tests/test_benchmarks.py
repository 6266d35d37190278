"""The machinery of the comparisons: turns, ratios, tables; no times are judged."""

import dataclasses
import importlib
import itertools
import math
import re

import jax
import jax.numpy as jnp
import pytest

from experiments.benchmarks import comparison, programs
from experiments.benchmarks.__main__ import read
from experiments.benchmarks.comparison import Case, Row, Side, markdown, measured, write_csv
from physent.protocol.solver import Solver


def told(seconds):
    """A side that says itself how long it took, one value a run after the first."""
    times = itertools.chain([9.0], itertools.cycle(seconds))
    return lambda: next(times)


@pytest.fixture
def rows():
    ours = Side(
        "physent",
        lambda: told([1.0, 2.0, 4.0]),
        "a method",
        seconds=lambda t: t,
        error=lambda t: 0.5,
    )
    peer = Side("peer 1.0", lambda: told([3.0, 8.0, 12.0]), threads=1, seconds=lambda t: t)
    return measured("nothing", Case("one", (ours, peer), "the truth"), repeats=3, memory=False)


def test_ratio_is_of_turns_and_seconds_are_medians(rows):
    ours, peer = rows
    assert (ours.seconds, peer.seconds, ours.ratio) == (2.0, 8.0, None)
    assert peer.ratio == 3.0  # of 3, 4, 3; the ratio of the medians would be 4
    assert (peer.fastest, peer.slowest, peer.repeats) == (3.0, 12.0, 3)


def test_error_and_its_reference_are_in_the_table(rows):
    table = list(markdown(rows))
    assert "5.0e-01 (the truth)" in table[2]
    assert "peer 1.0" in table[3] and "| 3 |" in table[3] and "| the truth |" in table[3]
    assert len({line.count("|") for line in table}) == 1


def test_memory_that_could_not_be_measured_is_said(rows, capfd):
    lost = comparison.peak_memory("nothing_of_this_name", "one", 0)
    assert (
        lost is not None and math.isnan(lost) and "nothing_of_this_name" in capfd.readouterr().err
    )
    assert "| failed |" in list(markdown([dataclasses.replace(rows[0], memory=lost)]))[2]


def test_rows_survive_a_file(rows, tmp_path):
    write_csv(tmp_path / "rows.csv", rows)
    assert read(Row, tmp_path / "rows.csv") == rows


def test_own_peak_is_a_number_of_mebibytes():
    assert re.fullmatch(r"\d+\.\d+", comparison.own_peak()) and float(comparison.own_peak()) > 50


def test_transforms_are_found_in_a_compiled_program(monkeypatch):
    timed = []

    def pair_seconds(there, back, x, axes):
        timed.append((there, x.shape, x.dtype, axes))
        return 2.0

    monkeypatch.setattr(programs, "pair_seconds", pair_seconds)

    def program(x):
        a = jnp.fft.irfft(jnp.fft.rfft(x, axis=1) ** 2, n=16, axis=1)
        return jnp.fft.fft2(a + jnp.sin(x)), jnp.fft.fft2(a * x)

    text = jax.jit(program).lower(jnp.ones((8, 16))).compile().as_text()
    assert programs.transform_seconds(text) == 4.0  # pyright: ignore[reportArgumentType]
    assert {(f, shape) for f, shape, *_ in timed} == {
        (jnp.fft.rfftn, (8, 16)), (jnp.fft.irfftn, (8, 9)), (jnp.fft.fftn, (8, 16)),
    }  # fmt: skip


@pytest.fixture
def here(monkeypatch):
    """Nothing is done in another process."""

    def module(name):
        found = importlib.import_module(f"experiments.benchmarks.{name}")
        if hasattr(found, "elsewhere"):
            monkeypatch.setattr(
                found, "elsewhere", lambda function, *arguments: function(*arguments)
            )
        return found

    return module


def build(side, peers):
    """Prepare a side whose package is importable."""
    if side.package != "physent":
        for peer in peers:
            pytest.importorskip(peer)
    assert callable(side.prepare())


PEERS = {
    "nlse": ("simple_idealized_1d_nlse", "pde"),
    "klein_gordon": ("amangkurat",),
    "kelvin_helmholtz": ("kh2d_solver",),
    "entropy": ("antropy", "ordpy", "infomeasure", "EntropyHub"),
    "navier_stokes": ("exponax",),
    "field_equations": ("exponax", "sangkuriang_ideal"),
}


@pytest.mark.parametrize("physent", [True, False], ids=["physent", "peers"])
@pytest.mark.parametrize("name", PEERS)
def test_every_side_can_be_prepared(name, physent, here):
    for case in here(name).cases():
        for side in case.sides:
            if (side.package == "physent") == physent:
                build(side, PEERS[name])


@pytest.mark.slow
@pytest.mark.parametrize("physent", [True, False], ids=["physent", "peers"])
def test_sides_of_particles_can_be_prepared_and_agree_on_forces(physent, here, monkeypatch):
    module = here("active_matter")
    monkeypatch.setattr(module, "PARTICLES", (64,))
    (case,) = module.cases()
    for side in case.sides:
        if (side.package == "physent") == physent:
            if side.package == "jax-md":
                pytest.importorskip("jax_md")
            with jax.numpy_rank_promotion("allow"):  # jax-md's
                assert side.error(side.prepare()()) < 1e-3


def test_schools_have_parameters_for_both_sides(here):
    module = here("couzin")
    for case in module.CASES:
        parameters, steps = module.parameters_of_case(case)
        assert parameters["n_fish"] > 0 and steps > 0
    pytest.importorskip("dewi_kadita")
    assert callable(module.their_step(100, 2))


def test_every_solver_and_estimator_of_the_sizes_can_be_built():
    sizes = importlib.import_module("experiments.benchmarks.sizes")
    assert {scaling.limit for scaling in sizes.scalings().values()} == {
        "",
        "transforms",
        "bandwidth",
    }
    for scaling in sizes.solvers().values():
        assert isinstance(scaling.solver(min(scaling.sizes)), Solver)
    for name, scaling in sizes.estimators().items():
        function, _ = scaling.prepare(min(scaling.sizes))
        if "tree" not in name:  # which needs numbers
            assert jax.tree.leaves(jax.eval_shape(function)), name


def test_what_a_loop_does_is_counted_as_often_as_it_turns():
    def looped(x, turns):
        return jax.lax.fori_loop(0, turns, lambda _, x: jnp.fft.ifft(jnp.fft.fft(jnp.sin(x))), x)

    texts = [
        jax.jit(looped, static_argnums=1).lower(jnp.ones(64, complex), n).compile().as_text()
        for n in (7, 14)
    ]
    transforms = [
        sum(times for operation, times in programs.executed(text) if operation.kind == "fft")  # pyright: ignore[reportArgumentType]
        for text in texts
    ]
    assert transforms == [14, 28]
    moved = [programs.bytes_moved(text) for text in texts]  # pyright: ignore[reportArgumentType]
    assert (
        6 * 1024 * 7 <= moved[0] < 12 * 1024 * 7
    )  # at least two transforms and a sine read and write 1,024 bytes
