"""What holds for every public function of physent.entropy: one table, one law for each.

A function that is not in the table fails. Units, number types, byte orders, values that are not
finite, constants, ties, a single value, none, batches: the rules of entropy/discrete/arrays.py.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest

from physent import entropy as library
from physent.entropy import (
    AmplitudeOrdinal,
    Cells,
    Counts,
    Density,
    Dispersion,
    Headings,
    Histogram,
    MillerMadow,
    Ordinal,
    Renyi,
    SpatialOrdinal,
    Spectrum,
    WeightedOrdinal,
    angular_momentum_entropy,
    approximate_entropy,
    autocorrelation_time,
    bin_symbols,
    block_bootstrap,
    boltzmann_entropy,
    circular_shift,
    cohesion_entropy,
    combine_symbols,
    compare,
    complexity_bounds,
    complexity_index,
    conditional_mutual_information,
    correlation_dimension,
    depth_entropy,
    differential_entropy,
    discrete_conditional_mutual_information,
    discrete_mutual_information,
    discrete_transfer_entropy,
    dye_entropy,
    effective_sample_size,
    entropy,
    entropy_rate,
    field_entropy,
    from_centre,
    gaussian_information,
    gaussian_mutual_information,
    gaussian_transfer_entropy,
    histogram_differential_entropy,
    iaaft,
    jensen_shannon_complexity,
    ksg_conditional_mutual_information,
    ksg_mutual_information,
    ksg_transfer_entropy,
    largest_lyapunov_exponent,
    lempel_ziv_complexity,
    linear_entropy_production,
    lmc_complexity,
    mean_frequency,
    medium_entropy_production,
    mixing_proxy,
    multiscale_entropy,
    mutual_information,
    nearest_neighbour_entropy,
    neighbour_entropy,
    oceanic_schooling_index,
    ordinal_curves,
    ordinal_symbols,
    permutation_test,
    phase_randomised,
    polarization_entropy,
    potential_energies,
    sample_entropy,
    school_entropies,
    schooling_entropies,
    segregation,
    shape_entropy,
    shuffle,
    spacing_entropy,
    spectral_bandwidth,
    spectral_entropy,
    spectral_richness,
    svd_entropy,
    time_average,
    velocity_correlation_entropy,
    velocity_correlation_profile,
    wrapped_rotation,
    zero_one_test,
)

N = 48
KEY = jax.random.key(3)
SCALES = (1e-30, 1e-12, 1e12, 1e30)

# ---- the data ----------------------------------------------------------------------------------


def series(r):
    return (r.standard_normal(N).cumsum(),)


def two_series(r):
    x = r.standard_normal(N)
    return x, 0.6 * x + r.standard_normal(N)


def three_series(r):
    return (*two_series(r), r.standard_normal(N))


def positive(r):
    return (r.random(N) + 0.1,)


def weighted(r):
    return *positive(r), r.random(N) + 0.5


def probabilities(r):
    return (r.dirichlet(np.ones(8)),)


def field(r):
    return (r.standard_normal((8, 6)),)


def two_fields(r):
    return r.random((8, 6)), r.standard_normal((8, 6))


def particles(r):
    return (r.random((12, 2)),)


def school(r):
    return r.random((12, 3)), r.standard_normal((12, 3))


def symbols(r):
    return (r.integers(0, 3, N),)


def two_symbols(r):
    return r.integers(0, 3, N), r.integers(0, 2, N)


def three_symbols(r):
    return r.integers(0, 3, N), r.integers(0, 2, N), r.integers(0, 2, N)


def matrix(r):
    return np.array([[-2.0, 0.5], [-0.3, -1.0]]), np.array([1.0, 0.5])


# ---- the laws, of a change of units by a factor ----------------------------------------------


def same(value, a):
    return value


def linear(value, a):
    return value * a


def log(value, a):
    return value + np.log(a)


def log_twice(value, a):
    return value + 2 * np.log(a)


@dataclass(frozen=True)
class Row:
    """What is called, on which data, and its law: how a leaf of the result changes with the units
    of the arrays `of`, or in words why there is no law.

    `core` is the number of axes that the function reads, None where it takes no batch. `real` says
    that complex values are refused. `types` says why half precision gives other values, `values`
    why a value that is not finite does not make the result NaN.
    """

    call: Callable[..., Any]
    data: Callable[[np.random.Generator], tuple[np.ndarray, ...]]
    law: Callable | str
    of: tuple[int, ...] = (0,)
    core: int | None = 1
    real: bool = True
    values: str = ""
    types: str = ""


def row(*args, **kwargs):
    return Row(*args, **kwargs)


SYMBOLS = "symbols are numbers without a unit"
SHARES = "shares of a whole have no unit"
FISH = "a school in a box of given length: see `schools in other units`"


def by(outcomes, axis=None, **options):
    return lambda x: entropy(x, outcomes=outcomes, axis=axis, **options)


TABLE: dict[str, Row] = {
    "entropy": row(by(Density()), positive, same, real=False),
    "entropy of a spectrum": row(by(Spectrum()), series, same, real=False),
    "entropy of a histogram": row(by(Histogram(bins=7)), series, same),
    "entropy of counts": row(by(Counts(), estimator=MillerMadow()), symbols, SYMBOLS),
    "entropy of ordinal patterns": row(by(Ordinal()), series, same),
    "entropy of weighted patterns": row(by(WeightedOrdinal()), series, same),
    "entropy of patterns by amplitude": row(by(AmplitudeOrdinal()), series, same),
    "entropy of stencils": row(by(SpatialOrdinal()), field, same, core=2),
    "entropy of dispersion": row(by(Dispersion()), series, same),
    "entropy of cells": row(by(Cells(bins=(3,))), particles, "a fixed range has units", core=2),
    "entropy of headings": row(by(Headings()), lambda r: school(r)[1:], same, core=2),
    "renyi": row(by(Density(), measure=Renyi(order=2.0)), positive, same, real=False),
    "entropy of cells of unequal size": row(
        lambda x, w: entropy(x, weights=w), weighted, same, real=False
    ),
    "entropy of relative weights": row(
        lambda x, w: entropy(x, Renyi(order=2.0), weights=w, normalise=True),
        weighted,
        same,
        (0, 1),
        real=False,
    ),
    "entropy in larger cells": row(
        lambda x, w: entropy(x, weights=w), weighted, log, (1,), real=False
    ),
    "entropy of a weighted histogram": row(
        lambda x, w: entropy(x, outcomes=Histogram(bins=7), weights=w), weighted, same, (0, 1)
    ),
    "boltzmann_entropy": row(
        lambda x: boltzmann_entropy(x, Cells(bins=(3,))), particles, "a fixed range", core=2
    ),
    "differential_entropy": row(lambda x: differential_entropy(x, 0.5), positive, same, real=False),
    "differential_entropy of cells": row(
        lambda x, w: differential_entropy(x, weights=w), weighted, log, (1,), real=False
    ),
    "spacing_entropy": row(spacing_entropy, series, log),
    "spacing_entropy of correa": row(lambda x: spacing_entropy(x, "correa"), series, log),
    "nearest_neighbour_entropy": row(nearest_neighbour_entropy, particles, log_twice, core=2),
    "nearest_neighbour_entropy by a tree": row(
        lambda x: nearest_neighbour_entropy(x, method="tree"), particles, log_twice, core=2
    ),
    "ksg_mutual_information": row(ksg_mutual_information, two_series, same, (0, 1), core=None),
    "ksg_mutual_information by a tree": row(
        lambda x, y: ksg_mutual_information(x, y, method="tree"),
        two_series,
        same,
        (0, 1),
        core=None,
    ),
    "conditional_mutual_information": row(
        lambda x, y, z: conditional_mutual_information(x, y, z, seconds=1.0)[:1],
        three_series,
        same,
        (0, 1, 2),
        core=None,
    ),
    "mutual_information": row(
        lambda x, y: mutual_information(x, y, seconds=1.0)[:1],  # a bound has no upper end
        two_series,
        same,
        (0, 1),
        core=None,
    ),
    "ksg_conditional_mutual_information": row(
        ksg_conditional_mutual_information, three_series, same, (0, 1, 2), core=None
    ),
    "ksg_transfer_entropy": row(ksg_transfer_entropy, two_series, same, (0, 1)),
    "gaussian_information": row(
        lambda c: gaussian_information(c, [0], [1]),
        lambda r: (np.cov(r.standard_normal((2, 9))),),
        same,
        core=2,
    ),
    "gaussian_mutual_information": row(gaussian_mutual_information, two_series, same, core=None),
    "gaussian_transfer_entropy": row(gaussian_transfer_entropy, two_series, same),
    "bin_symbols": row(
        lambda x: bin_symbols(x, 5), series, same, values="symbols are integers: -1 instead of NaN"
    ),
    "combine_symbols": row(
        lambda x, y: combine_symbols([x, y], [3, 2])[0], two_symbols, SYMBOLS, values=SYMBOLS
    ),
    "discrete_mutual_information": row(
        lambda x, y: discrete_mutual_information(x, y, (3, 2)), two_symbols, SYMBOLS, values=SYMBOLS
    ),
    "discrete_conditional_mutual_information": row(
        lambda x, y, z: discrete_conditional_mutual_information(x, y, z, (3, 2, 2)),
        three_symbols,
        SYMBOLS,
        values=SYMBOLS,
    ),
    "discrete_transfer_entropy": row(
        lambda x, y: discrete_transfer_entropy(x, y, (3, 2)), two_symbols, SYMBOLS, values=SYMBOLS
    ),
    "ordinal_symbols": row(
        ordinal_symbols, series, same, values="symbols are integers, and each tells of its window"
    ),
    "largest_lyapunov_exponent": row(
        lambda x: largest_lyapunov_exponent(x, 2, steps=4).exponent, series, same
    ),
    "exponent of kantz": row(
        lambda x: largest_lyapunov_exponent(x, 2, steps=4, method="kantz", radius=0.5).exponent,
        series,
        same,
    ),
    "correlation_dimension": row(lambda x: correlation_dimension(x, 2), series, same),
    "zero_one_test": row(lambda x: zero_one_test(x, 5), series, same),
    "ordinal_curves": row(lambda x: ordinal_curves(x, [1, 2], 3), series, same),
    "lempel_ziv_complexity": row(lempel_ziv_complexity, symbols, SYMBOLS),
    "sample_entropy": row(sample_entropy, series, same),
    "approximate_entropy": row(approximate_entropy, series, same),
    "multiscale_entropy": row(lambda x: multiscale_entropy(x, [1, 2]), series, same),
    "spectral_entropy": row(spectral_entropy, series, same),
    "svd_entropy": row(svd_entropy, series, same, real=False),
    "autocorrelation_time": row(autocorrelation_time, series, same),
    "effective_sample_size": row(effective_sample_size, series, same),
    "time_average": row(lambda x: time_average(x)[:2], series, linear),
    "compare": row(lambda x, y: compare(x, y)[:2], two_series, linear, (0, 1)),
    "p of compare": row(lambda x, y: compare(x, y).p_value, two_series, same, (0, 1)),
    "entropy_rate": row(
        lambda x: entropy_rate(np.arange(1.0 * N), x, KEY), series, linear, core=None
    ),
    "block_bootstrap": row(lambda x: block_bootstrap(x, KEY), series, linear, core=None),
    "permutation_test": row(
        lambda x, y: permutation_test(gaussian_mutual_information, x, y, KEY, 9),
        two_series,
        same,
        (0, 1),
        core=None,
    ),
    "shuffle": row(
        lambda x: shuffle(KEY, x), series, linear, core=None, real=False, values="moves values only"
    ),
    "circular_shift": row(
        lambda x: circular_shift(KEY, x),
        series,
        linear,
        core=None,
        real=False,
        values="moves values only",
    ),
    "phase_randomised": row(
        lambda x: phase_randomised(KEY, x),
        series,
        linear,
        core=None,
        types="phases are drawn in the precision of the series",
    ),
    "iaaft": row(lambda x: iaaft(KEY, x), series, linear, core=None),
    "jensen_shannon_complexity": row(jensen_shannon_complexity, probabilities, SHARES),
    "lmc_complexity": row(lmc_complexity, probabilities, SHARES),
    "complexity_bounds": row(
        lambda h: complexity_bounds(h, 6), lambda r: (r.random(()),), SHARES, core=0
    ),
    "dye_entropy": row(
        lambda c: dye_entropy(c, 0.5), positive, "-c ln c of a concentration, which has no unit"
    ),
    "dye_entropy of cells": row(lambda c, w: dye_entropy(c, weights=w), weighted, linear, (1,)),
    "segregation": row(segregation, positive, "of a concentration, which has no unit"),
    "potential_energies": row(
        lambda x: potential_energies(x, np.arange(6.0)), field, linear, core=2
    ),
    "medium_entropy_production": row(
        lambda b: medium_entropy_production(b, np.ones(N), np.ones(N)),
        series,
        "D and b have units of their own",
        core=None,
        values="elementwise: NaN where b is NaN",
    ),
    "linear_entropy_production": row(
        lambda a, d: linear_entropy_production(a, d).total, matrix, linear, (0, 1), core=None
    ),
    "field_entropy": row(field_entropy, series, same),
    "field_entropy as published": row(
        lambda x: field_entropy(x, 0.5, "composite", convention="amangkurat"), series, same
    ),
    "spectral_richness": row(spectral_richness, series, same, real=False),
    "mean_frequency": row(mean_frequency, series, same, real=False),
    "spectral_bandwidth": row(spectral_bandwidth, series, same, real=False),
    "histogram_differential_entropy": row(histogram_differential_entropy, series, log),
    "complexity_index": row(
        complexity_index, field, "a sum of quantities of different units, as published", core=2
    ),
    "mixing_proxy": row(mixing_proxy, two_fields, linear, core=2),
    "from_centre": row(from_centre, particles, linear, core=2),
    "school_entropies": row(school_entropies, school, FISH, core=2),
    "schooling_entropies": row(lambda x, v: schooling_entropies(x, v, 1.0), school, FISH, core=2),
    "oceanic_schooling_index": row(
        lambda x, v: oceanic_schooling_index(schooling_entropies(x, v, 1.0)), school, FISH, core=2
    ),
    "cohesion_entropy": row(
        lambda x: cohesion_entropy(x, 1.0), lambda r: school(r)[:1], FISH, core=2
    ),
    "neighbour_entropy": row(
        lambda x: neighbour_entropy(x, 1.0), lambda r: school(r)[:1], FISH, core=2
    ),
    "depth_entropy": row(lambda x: depth_entropy(x, 1.0), lambda r: school(r)[:1], FISH, core=2),
    "shape_entropy": row(
        shape_entropy, lambda r: school(r)[:1], "published with an absolute floor of 1e-10", core=2
    ),
    "polarization_entropy": row(polarization_entropy, lambda r: school(r)[1:], same, core=2),
    "velocity_correlation_entropy": row(
        velocity_correlation_entropy, lambda r: school(r)[1:], same, core=2
    ),
    "angular_momentum_entropy": row(angular_momentum_entropy, school, same, (0, 1), core=2),
    "wrapped_rotation": row(wrapped_rotation, school, same, (0, 1), core=2),
    "velocity_correlation_profile": row(
        lambda x, v: velocity_correlation_profile(x, v, [0.0, 0.5, 2.0]),
        school,
        "the edges of the shells have units",
        core=2,
    ),
}
FUNCTIONS = {
    name for name in library.__all__ if not isinstance(getattr(library, name), type | dict)
}


def made(name):
    return TABLE[name].data(np.random.default_rng(7))


def answers(name, *data):
    """The leaves of a result as arrays of numpy, with nothing said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = TABLE[name].call(*data)
    return [np.asarray(leaf) for leaf in jax.tree.leaves(result)]


def close(found, expected, rtol):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            one, other, rtol=rtol, atol=rtol * np.max(np.abs(other), initial=0)
        )


def test_every_function_is_in_the_table():
    assert {name for name in TABLE if name in FUNCTIONS} == FUNCTIONS


def units_change_a_value_by_its_law(name, dtype, rtol):
    law, of = TABLE[name].law, TABLE[name].of
    if isinstance(law, str):
        assert law
        return
    data = [x.astype(dtype) if x.dtype.kind == "f" else x for x in made(name)]
    expected = answers(name, *data)
    for a in SCALES:
        found = answers(
            name, *(x * np.asarray(a, dtype) if i in of else x for i, x in enumerate(data))
        )
        assert all(np.all(np.isfinite(leaf)) for leaf in found), a
        with np.errstate(over="ignore"):
            close(found, [law(leaf.astype("f8"), a) for leaf in expected], rtol)


def number_types_and_byte_orders_give_the_same(name):
    data = made(name)
    if TABLE[name].types:
        return
    if data[0].dtype.kind == "f":
        coarse = [np.round(x * 8) / 8 for x in data]  # what half precision holds
        expected = answers(name, *coarse)
        close(answers(name, *(x.astype("f2") for x in coarse)), expected, 2e-3)
        swapped = [x.astype(x.dtype.newbyteorder()) for x in data]
        for one, other in zip(answers(name, *swapped), answers(name, *data), strict=True):
            np.testing.assert_array_equal(one, other)
    else:
        expected = answers(name, *data)
        for kind in ("u1", ">i2", ">f4"):
            close(answers(name, *(x.astype(kind) for x in data)), expected, 1e-5)


def a_value_that_is_not_finite_makes_the_result_nan(name, bad):
    given = TABLE[name]
    if given.values:
        return
    first, *rest = made(name)
    first = np.array(first, "f8")
    first[(1,) * first.ndim if first.ndim else ()] = bad
    found = answers(name, first, *rest)
    assert all(np.all(np.isnan(leaf)) for leaf in found) or name in ("compare", "time_average")


def complex_values_are_refused_or_welcome(name):
    first, *rest = made(name)
    if not TABLE[name].real:
        assert all(np.all(np.isfinite(leaf)) for leaf in answers(name, first + 0.5j, *rest))
        return
    with pytest.raises((ValueError, TypeError), match=r"complex|whole|symbols"):
        answers(name, first + 0.5j, *rest)


def constants_and_single_values_and_none_are_answered_without_a_number_from_nowhere(name):
    """No exception but a ValueError, and no number but those that a constant has."""
    first, *rest = made(name)
    if first.ndim == 0:
        return
    answers(name, np.full_like(first, 1), *rest)
    core = TABLE[name].core
    if not core or rest or name == "gaussian_information":  # of a matrix
        return
    for size in (1, 0):
        try:
            found = answers(name, np.take(first, range(size), axis=-core))
        except ValueError:
            continue
        if size == 0:
            assert all(np.all(np.isnan(leaf) | (leaf == 0)) for leaf in found)


def batches_are_what_their_members_are(name):
    if TABLE[name].core is None:
        return
    members = [TABLE[name].data(np.random.default_rng(i)) for i in range(4)]
    stacked = [
        np.stack(arrays).reshape(2, 2, *arrays[0].shape) for arrays in zip(*members, strict=True)
    ]
    if name == "potential_energies":
        stacked = stacked[:1]
    expected = [answers(name, *member) for member in members]
    for i, leaf in enumerate(answers(name, *stacked)):
        one = np.stack([found[i] for found in expected])
        np.testing.assert_allclose(leaf.reshape(one.shape), one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", TABLE)
def test_the_rules_hold(name):
    """All of one function in one test, since they share its compiled programs."""
    units_change_a_value_by_its_law(name, "f8", 1e-9)
    units_change_a_value_by_its_law(name, "f4", 2e-3)
    number_types_and_byte_orders_give_the_same(name)
    a_value_that_is_not_finite_makes_the_result_nan(name, np.nan)
    a_value_that_is_not_finite_makes_the_result_nan(name, np.inf)
    complex_values_are_refused_or_welcome(name)
    constants_and_single_values_and_none_are_answered_without_a_number_from_nowhere(name)
    batches_are_what_their_members_are(name)


def test_schools_in_other_units():
    x, v = (array.astype("f4") for array in made("schooling_entropies"))
    plain = school_entropies(x, v, 1.0), schooling_entropies(x, v, 1.0)
    for a in (1e-30, 1e30):
        y = (a * x.astype("f8")).astype("f4")
        other = school_entropies(y, v, a), schooling_entropies(y, v, a)
        for found, expected in zip(other, plain, strict=True):
            for name in found._fields:
                # two of those published have an absolute floor of 1e-10
                if found is other[0] or name not in ("shape", "neighbour"):
                    np.testing.assert_allclose(
                        getattr(found, name), getattr(expected, name), atol=2e-3, err_msg=name
                    )


def test_whole_numbers_that_the_default_integers_do_not_hold_are_not_wrapped():
    """In single precision those of 64 bits become 32; and 256 is 0 for those of 8."""
    large = 3_000_000_000 + np.arange(0, 10**9, 10**7)
    with jax.enable_x64(False):
        assert float(entropy(large)) == pytest.approx(float(entropy(large.astype("f4"))), rel=1e-5)
        assert float(spectral_entropy(large)) == pytest.approx(
            float(spectral_entropy(large.astype("f4"))), rel=1e-5
        )
    x = np.random.default_rng(0).integers(0, 256, (2, 4000))
    wanted, found = (
        float(discrete_mutual_information(a, b, (256, 256))) for a, b in (x, x.astype("u1"))
    )
    assert found == wanted


def test_scales_that_are_none_are_said():
    for scale in (0, 2.5, 99):
        with pytest.raises(ValueError, match=f"scales: given {scale}, allowed: 1 to 50"):
            multiscale_entropy(np.arange(50.0), [scale])  # pyright: ignore[reportArgumentType]
