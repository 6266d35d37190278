"""Nearest-neighbour information of tied values: rounded, counted, zero on most days."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from physent.entropy import (
    ksg_conditional_mutual_information,
    ksg_mutual_information,
    ksg_transfer_entropy,
)
from physent.entropy.continuous.ties import untied

N, SEEDS = 1000, 8


def rounded(r, step, rho):
    """Gaussians of correlation rho, rounded; exact: the information of the table of cells."""
    x = r.multivariate_normal([0, 0], [[1, rho], [rho, 1]], N).T
    return np.round(x / step) * step


def of_cells(step, rho):
    edges = np.concatenate([[-np.inf], (np.arange(-6, 6, step) + step / 2)[:-1], [np.inf]])
    x = np.linspace(-7, 7, 14_001)
    cells = np.searchsorted(edges, x) - 1
    given = np.diff(norm.cdf((edges - rho * x[:, None]) / np.sqrt(1 - rho**2)), axis=1)
    table = np.zeros((len(edges) - 1,) * 2)
    np.add.at(table, cells, given * norm.pdf(x)[:, None] * (x[1] - x[0]))
    table /= table.sum()
    product = table.sum(1, keepdims=True) * table.sum(0, keepdims=True)
    return np.sum(table[table > 0] * np.log((table / product)[table > 0]))


def rain(r, dry=0.7):
    return np.where(r.random(N) < dry, 0.0, r.exponential(size=N))


def dry_together(r, rho=0.6, dry=0.5):
    """Both are 0 on the same days, Gaussians of correlation rho on the others."""
    x = r.multivariate_normal([0, 0], [[1, rho], [rho, 1]], N).T
    return np.where(r.random(N) < dry, 0.0, x)


CASES = {
    "four integers": (lambda r: r.integers(0, 4, (2, N)), 0.0),
    "rain": (lambda r: (rain(r), rain(r)), 0.0),
    "rain and noise": (lambda r: (rain(r), r.standard_normal(N)), 0.0),
    "dry together": (dry_together, np.log(2) - 0.25 * np.log(1 - 0.36)),
    "rounded to .1": (lambda r: rounded(r, 0.1, 0.0), 0.0),
    "rounded to .1, rho = .5": (lambda r: rounded(r, 0.1, 0.5), of_cells(0.1, 0.5)),
    "rounded to .5, rho = .9": (lambda r: rounded(r, 0.5, 0.9), of_cells(0.5, 0.9)),
    "a sign": (lambda r: (lambda x: (x, 1.0 * (x > 0)))(r.standard_normal(N)), np.log(2)),
}


@pytest.mark.filterwarnings("ignore:.*occur more than once")
@pytest.mark.parametrize("name", CASES)
def test_information_of_tied_values(name):
    make, exact = CASES[name]
    pairs = [make(np.random.default_rng(seed)) for seed in range(SEEDS)]
    x, y = (np.stack([np.asarray(pair[i], float) for pair in pairs])[..., None] for i in (0, 1))
    found = ksg_mutual_information(x, y)
    assert abs(np.mean(found) - exact) < 0.03
    by_tree = ksg_mutual_information(x, y, method="tree")
    np.testing.assert_allclose(by_tree, found, rtol=0, atol=1e-10)


@pytest.mark.filterwarnings("ignore:.*occur more than once")
def test_conditional_and_transfer_information_of_tied_values():
    r = np.random.default_rng(0)
    z = r.integers(0, 3, N)
    x, y = z + r.integers(0, 2, N), z + r.integers(0, 3, N)  # they share z alone
    source, target = r.integers(0, 3, N), r.integers(0, 3, N)
    for information in (
        lambda method: ksg_conditional_mutual_information(x, y, z, method=method),
        lambda method: ksg_transfer_entropy(source, target, method=method),
    ):
        pairs, tree = information("pairs"), information("tree")
        assert abs(pairs) < 0.06  # one series: its standard deviation is about .03
        np.testing.assert_allclose(tree, pairs, rtol=0, atol=1e-10)
    copied = np.roll(source, 1)
    assert abs(ksg_transfer_entropy(source, copied) - np.log(3)) < 0.1


def test_ties_are_said_and_untied_values_keep_their_bits():
    r = np.random.default_rng(1)
    x, y = r.standard_normal((2, 300))
    plain = ksg_mutual_information(x, y)  # no warning: they are errors here
    with pytest.warns(UserWarning, match=r"100% of the values of a variable occur more than once"):
        ksg_mutual_information(x, np.round(y))
    few = np.concatenate([y[:-6], y[:6]])  # 4 % of the values
    assert np.isfinite(ksg_mutual_information(x, few))
    constant = ksg_mutual_information(x, np.ones(300))
    assert constant == 0 and ksg_mutual_information(np.zeros(300), np.ones(300)) == 0
    np.testing.assert_allclose(plain, jax.jit(ksg_mutual_information)(x, y), rtol=1e-12)
    np.testing.assert_array_equal(untied(jnp.asarray(x)[:, None], 3, 0, None)[:, 0], x)


def test_both_ends_of_a_circle_are_one_place():
    turn, noise = np.random.default_rng(0).random((2, 600))
    x, y = (np.round(each * 10) / 10 for each in (turn, (turn + 0.1 * noise) % 1))
    with pytest.warns(UserWarning, match="occur more than once"):
        ends, once = (
            float(ksg_mutual_information(*pair, period_x=1.0, period_y=1.0))
            for pair in ((x, y), (x % 1, y % 1))
        )
    assert ends == once
