"""The machinery of the comparisons: turns, ratios, tables; no times are judged."""

import itertools
import re

import jax
import jax.numpy as jnp
import pytest

from experiments.benchmarks import comparison
from experiments.benchmarks.__main__ import read
from experiments.benchmarks.comparison import Case, Row, Side, markdown, measured, write_csv


def told(seconds):
    """A side that says itself how long it took, one value a run after the first."""
    times = itertools.chain([9.0], itertools.cycle(seconds))
    return lambda: next(times)


@pytest.fixture
def rows():
    ours = Side("physent", told([1.0, 2.0, 4.0]), "a method", seconds=lambda t: t, error=lambda t: 0.5)
    peer = Side("peer 1.0", told([3.0, 8.0, 12.0]), threads=1, seconds=lambda t: t)
    return measured("nothing", Case("one", (ours, peer), "the truth", repeats=3), repeats=5, memory=False)


def test_ratio_is_of_turns_and_seconds_are_medians(rows):
    ours, peer = rows
    assert (ours.seconds, peer.seconds, ours.ratio) == (2.0, 8.0, None)
    assert peer.ratio == 3.0  # of 3, 4, 3; the ratio of the medians would be 4
    assert (peer.fastest, peer.slowest, peer.repeats) == (3.0, 12.0, 3)


def test_error_and_its_reference_are_in_the_table(rows):
    table = list(markdown(rows))
    assert "5.0e-01 (the truth)" in table[2]
    assert "peer 1.0" in table[3] and "| 3 |" in table[3]
    assert len({line.count("|") for line in table}) == 1


def test_rows_survive_a_file(rows, tmp_path):
    write_csv(tmp_path / "rows.csv", rows)
    assert read(Row, tmp_path / "rows.csv") == rows


def test_own_peak_is_a_number_of_mebibytes():
    assert re.fullmatch(r"\d+\.\d+", comparison.own_peak()) and float(comparison.own_peak()) > 50


def test_transforms_are_found_in_a_compiled_program(monkeypatch):
    sizes = pytest.importorskip("experiments.benchmarks.sizes")
    timed = []

    def pair_seconds(there, back, x, axes):
        timed.append((there, x.shape, x.dtype, axes))
        return 2.0

    monkeypatch.setattr(sizes, "pair_seconds", pair_seconds)

    def program(x):
        a = jnp.fft.irfft(jnp.fft.rfft(x, axis=1) ** 2, n=16, axis=1)
        return jnp.fft.fft2(a + jnp.sin(x)), jnp.fft.fft2(a * x)

    text = jax.jit(program).lower(jnp.ones((8, 16))).compile().as_text()
    assert sizes.transform_seconds(text) == 4.0
    assert {(f, shape) for f, shape, *_ in timed} == {
        (jnp.fft.rfftn, (8, 16)), (jnp.fft.irfftn, (8, 9)), (jnp.fft.fftn, (8, 16)),
    }  # fmt: skip
