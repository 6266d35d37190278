"""Agreement with antropy and infomeasure to rounding, where conventions coincide.

Differences of convention: antropy is in bits; its sample entropy takes |a - b| < r and its approximate entropy <= r (
here <= in both; they differ where a difference equals r); neither package keeps outcomes that were not seen.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from physent.entropy import (
    Ordinal,
    PlugIn,
    Shannon,
    approximate_entropy,
    discrete_mutual_information,
    entropy,
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
    assert float(entropy(x, outcomes=order, base=2)) == pytest.approx(antropy.perm_entropy(x, 4, 2), abs=1e-12)
    assert float(svd_entropy(x, base=2)) == pytest.approx(antropy.svd_entropy(x), abs=1e-12)
    peer = antropy.spectral_entropy(x, 1.0, method="fft", normalize=True)
    assert float(spectral_entropy(x, normalise=True)) == pytest.approx(peer, abs=1e-12)
    for m in (2, 3):
        assert float(sample_entropy(x, order=m)) == pytest.approx(antropy.sample_entropy(x, m), abs=1e-12)
    assert float(approximate_entropy(x)) == pytest.approx(antropy.app_entropy(x), abs=1e-12)
    symbols = rng.integers(0, 3, 400)
    assert int(lempel_ziv_complexity(symbols)) == antropy.lziv_complexity(symbols)
    peer = antropy.lziv_complexity(symbols, normalize=True)
    assert float(lempel_ziv_complexity(symbols, normalise=True, alphabet=3)) == pytest.approx(peer, abs=1e-12)


def test_infomeasure():
    infomeasure = pytest.importorskip("infomeasure", reason=REASON)
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 5, 300), rng.integers(0, 4, 300)
    peer = infomeasure.entropy(x, approach="discrete")
    assert float(PlugIn()(jnp.asarray(np.bincount(x) * 1.0), Shannon())) == pytest.approx(float(peer), abs=1e-12)
    peer = infomeasure.mutual_information(x, y, approach="discrete")
    assert float(discrete_mutual_information(x, y, (5, 4))) == pytest.approx(float(peer), abs=1e-12)
    series = rng.standard_normal(500)
    peer = infomeasure.entropy(series, approach="ordinal", embedding_dim=3)
    assert float(entropy(series, outcomes=Ordinal(order=3))) == pytest.approx(float(peer), abs=1e-12)
