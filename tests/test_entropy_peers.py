"""Agreement with antropy, infomeasure and EntropyHub to rounding, where conventions coincide.

Differences of convention: antropy is in bits; its sample entropy takes |a - b| < r and its
approximate entropy <= r ( here <= in both; they differ where a difference equals r); neither
package keeps outcomes that were not seen.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from physent.entropy import (
    ChaoShen,
    Dispersion,
    Grassberger,
    MillerMadow,
    Ordinal,
    PlugIn,
    Shannon,
    Shrinkage,
    approximate_entropy,
    discrete_mutual_information,
    entropy,
    ksg_conditional_mutual_information,
    ksg_mutual_information,
    lempel_ziv_complexity,
    sample_entropy,
    spectral_entropy,
    svd_entropy,
)

pytestmark = pytest.mark.slow  # numba compiles the peers

REASON = "pulls numba: it belongs to the [bench] extra"


def test_antropy():
    antropy = pytest.importorskip("antropy", reason=REASON)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(1000)
    x[::9] = x[3]
    order = Ordinal(order=4, delay=2)
    assert float(entropy(x, outcomes=order, base=2)) == pytest.approx(
        antropy.perm_entropy(x, 4, 2), abs=1e-12
    )
    assert float(svd_entropy(x, base=2)) == pytest.approx(antropy.svd_entropy(x), abs=1e-12)
    peer = antropy.spectral_entropy(x, 1.0, method="fft", normalize=True)
    assert float(spectral_entropy(x, normalise=True)) == pytest.approx(peer, abs=1e-12)
    for m in (2, 3):
        assert float(sample_entropy(x, order=m)) == pytest.approx(
            antropy.sample_entropy(x, m), abs=1e-12
        )
    assert float(approximate_entropy(x)) == pytest.approx(antropy.app_entropy(x), abs=1e-12)
    symbols = rng.integers(0, 3, 400)
    assert int(lempel_ziv_complexity(symbols)) == antropy.lziv_complexity(symbols)
    peer = antropy.lziv_complexity(symbols, normalize=True)
    assert float(lempel_ziv_complexity(symbols, normalise=True, alphabet=3)) == pytest.approx(
        peer, abs=1e-12
    )


def test_infomeasure():
    infomeasure = pytest.importorskip("infomeasure", reason=REASON)
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 5, 300), rng.integers(0, 4, 300)
    peer = infomeasure.entropy(x, approach="discrete")
    assert float(PlugIn()(jnp.asarray(np.bincount(x) * 1.0), Shannon())) == pytest.approx(
        float(peer), abs=1e-12
    )
    peer = infomeasure.mutual_information(x, y, approach="discrete")
    assert float(discrete_mutual_information(x, y, (5, 4))) == pytest.approx(float(peer), abs=1e-12)
    series = rng.standard_normal(500)
    peer = infomeasure.entropy(series, approach="ordinal", embedding_dim=3)
    assert float(entropy(series, outcomes=Ordinal(order=3))) == pytest.approx(
        float(peer), abs=1e-12
    )


def test_estimators_of_infomeasure():
    """infomeasure's Grassberger is the 1988 form; its shrinkage target is uniform over the outcomes
    *seen*.
    """
    infomeasure = pytest.importorskip("infomeasure", reason=REASON)
    rng = np.random.default_rng(2)
    for row in rng.multinomial(60, rng.dirichlet(np.ones(12)), size=3):
        symbols = np.repeat(np.arange(len(row)), row)
        pairs = [
            ("discrete", PlugIn(), row),
            ("miller_madow", MillerMadow(), row),
            ("grassberger", Grassberger(version="1988"), row),
            ("chao_shen", ChaoShen(), row),
            ("shrink", Shrinkage(), row[row > 0]),
        ]
        for name, estimator, counts in pairs:
            peer = infomeasure.entropy(symbols, approach=name)
            assert float(estimator(jnp.asarray(counts * 1.0), Shannon())) == pytest.approx(
                float(peer), rel=1e-12
            ), name


def test_nearest_neighbours_of_infomeasure():
    infomeasure = pytest.importorskip("infomeasure", reason=REASON)
    rng = np.random.default_rng(3)
    x, z = rng.standard_normal(300), rng.standard_normal((300, 2))
    y = x + z[:, 0] + 0.3 * rng.standard_normal(300)
    peer = infomeasure.mutual_information(x, y, approach="ksg", k=4, noise_level=0)
    assert float(ksg_mutual_information(x, y, k=4)) == pytest.approx(float(peer), abs=1e-12)
    peer = infomeasure.conditional_mutual_information(
        x, y, cond=z, approach="ksg", k=4, noise_level=0
    )
    assert float(ksg_conditional_mutual_information(x, y, z, k=4)) == pytest.approx(
        float(peer), abs=1e-12
    )


def test_entropyhub():
    hub = pytest.importorskip(
        "EntropyHub", reason="pulls matplotlib and requests: it belongs to the [bench] extra"
    )
    x = np.random.default_rng(4).standard_normal(300)
    peer = hub.DispEn(x, m=2, c=6, Typex="ncdf")[0]
    assert float(entropy(x, outcomes=Dispersion(classes=6, order=2))) == pytest.approx(
        float(peer), abs=1e-12
    )
    peer = hub.SampEn(x, m=2, r=0.2 * x.std())[0][2]
    assert float(sample_entropy(x)) == pytest.approx(float(peer), abs=1e-12)
