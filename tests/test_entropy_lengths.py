"""Series of many lengths need few programs, and have the values of programs of their own length."""

import jax
import numpy as np
import pytest
import xarray as xr

import physent
import physent.data.accessor
from physent.diagnostics import Entropy, PermutationEntropy
from physent.entropy import (
    AmplitudeOrdinal,
    Dispersion,
    Grassberger,
    Histogram,
    Ordinal,
    WeightedOrdinal,
    approximate_entropy,
    entropy,
    jensen_shannon_complexity,
    ksg_conditional_mutual_information,
    ksg_mutual_information,
    ksg_transfer_entropy,
    lempel_ziv_complexity,
    multiscale_entropy,
    nearest_neighbour_entropy,
    sample_entropy,
)
from physent.entropy.discrete.lengths import length_with_room

compilations = []


def note(event, duration_secs, **kwargs):
    if "backend_compile" in event:
        compilations.append(event)


jax.monitoring.register_event_duration_secs_listener(note)
R = np.random.default_rng(0)
DATA = R.standard_normal((3, 250))
DATA[1] += 0.6 * DATA[0]

EQUAL = {  # counts
    "ordinal": lambda d: entropy(d[0], outcomes=Ordinal(order=4, delay=2)),
    "complexity": lambda d: jensen_shannon_complexity(Ordinal().probabilities(d[0])),
    "batch": lambda d: entropy(d.T, outcomes=Ordinal(), estimator=Grassberger(), axis=0),
    "histogram": lambda d: entropy(d[0], outcomes=Histogram(bins=12)),
}
CLOSE = {  # sums, and tolerances and classes from standard deviations
    "weighted": lambda d: entropy(d[0], outcomes=WeightedOrdinal()),
    "amplitude": lambda d: entropy(d[0], outcomes=AmplitudeOrdinal()),
    "dispersion": lambda d: entropy(d, outcomes=Dispersion(classes=4, ddof=1), normalise=True),
    "sample": lambda d: sample_entropy(d[:2]),
    "all templates": lambda d: sample_entropy(d[0], templates="all", tolerance=0.3),
    "approximate": lambda d: approximate_entropy(d[0]),
    "multiscale": lambda d: multiscale_entropy(d[0], scales=(1, 2)),
    "ksg 1": lambda d: ksg_mutual_information(d[0], d[1]),
    "ksg 2": lambda d: ksg_mutual_information(d[:2].T, d[2][:, None], form=2),
    "conditional": lambda d: ksg_conditional_mutual_information(d[0], d[1], d[2]),
    "transfer": lambda d: ksg_transfer_entropy(d[0], d[1], l=2),
    "neighbours": lambda d: nearest_neighbour_entropy(d.T, k=4),
    "round boxes": lambda d: nearest_neighbour_entropy(d.T, metric="maximum", period=30.0),
}


@pytest.mark.parametrize("name", [*EQUAL, *CLOSE])
def test_values_are_those_of_a_program_of_the_same_length(name):
    function = (EQUAL | CLOSE)[name]
    with jax.enable_x64(True):
        found, exact = function(DATA[:, :161]), jax.jit(function)(DATA[:, :161])
    np.testing.assert_allclose(found, exact, rtol=0 if name in EQUAL else 1e-12, atol=0)
    assert np.all(np.isfinite(found))


@pytest.mark.parametrize("name", [*EQUAL, *CLOSE])
def test_one_value_that_is_not_finite_makes_all_of_a_series_nan(name):
    function = (EQUAL | CLOSE)[name]
    for place in (0, 159, 160):
        spoilt = DATA[:, :161].copy()
        spoilt[:, place] = np.nan
        assert np.all(np.isnan(function(spoilt))), place


def test_words_of_a_sequence_are_those_of_a_program_of_the_same_length():
    bits = (DATA[0] > 0).astype(int)
    for n in (1, 2, 66, 100, 250):
        whole = int(lempel_ziv_complexity(bits[:n]))
        words, start = 0, 0
        while start < n:
            size = 1
            text = bits[:n].astype("i1").tobytes()
            while start + size <= n and text[start : start + size] in text[: start + size - 1]:
                size += 1
            words, start = words + 1, start + size
        assert whole == words, n
    normalised = lempel_ziv_complexity(bits, normalise=True, alphabet=2)
    np.testing.assert_allclose(normalised, whole * np.log2(250) / 250, rtol=1e-6)


def test_refusals_say_the_true_length():
    for call, words in (
        (lambda: entropy(DATA[0, :5], outcomes=Ordinal(order=4, delay=2)), "a series of 5 values"),
        (lambda: sample_entropy(DATA[0, :3]), "given 3"),
        (lambda: multiscale_entropy(DATA[0, :90], scales=(1, 91)), "1 to 90"),
        (lambda: ksg_mutual_information(DATA[0, :3], DATA[1, :3]), "of 3 points, allowed: 1 to 2"),
        (lambda: ksg_mutual_information(DATA[0, :70], DATA[1, :71]), "given shapes"),
        (lambda: nearest_neighbour_entropy(DATA[0]), r"given \(250,\)"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_tied_samples_keep_the_values_of_their_length():
    tied = np.round(DATA[:, :161], 1)
    with pytest.warns(UserWarning, match="occur more than once"):
        found = ksg_mutual_information(tied[0], tied[1])
    exact = jax.jit(ksg_mutual_information)(tied[0], tied[1])
    np.testing.assert_allclose(found, exact, rtol=1e-6)


def test_lengths_of_programs_are_few_and_little_more():
    sizes = [length_with_room(n) for n in range(1, 5000)]
    assert all(n <= size <= max(64, 1.125 * n) for n, size in enumerate(sizes, 1))
    assert len({size for size in sizes if 900 <= size < 1800}) <= 9


LOOPS = {
    "accessor": lambda n: series(n).x.physent.entropy("t", outcomes=Ordinal(order=3)),
    "diagnose": lambda n: physent.diagnose(series(n), [PermutationEntropy(of="x")]),
    "fields": lambda n: physent.diagnose(series(n), [Entropy(of="f")]),
    "sample": lambda n: sample_entropy(DATA[0, :n]),
    "information": lambda n: ksg_mutual_information(DATA[0, :n], DATA[1, :n]),
    "transfer": lambda n: ksg_transfer_entropy(DATA[0, :n], DATA[1, :n]),
}


def series(n):
    f = np.abs(DATA[0, :n, None] + np.arange(8))
    data = {"x": ("t", DATA[0, :n]), "f": (("t", "s"), f)}
    return xr.Dataset(data, {"t": np.arange(float(n))})


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_over_lengths_compiles_nothing_after_the_first(name):
    LOOPS[name](226)
    compilations.clear()
    for n in range(227, 240, 3):  # up to 240 there is one program
        LOOPS[name](n)
    assert not compilations


def test_rows_beyond_the_last_leave_no_trace_in_what_remembers():
    one, other = (
        physent.diagnose(series(n), [PermutationEntropy(of="x"), Entropy(of="f")])
        for n in (100, 240)
    )
    xr.testing.assert_equal(one, other.isel(t=slice(100)))
