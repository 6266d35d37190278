"""Entropies of fields on a grid: the closed forms of the sech soliton, the outcome spaces and the
options.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.entropy import (
    MEASURES,
    OUTCOMES,
    Counts,
    Density,
    MinEntropy,
    Renyi,
    Shannon,
    Spectrum,
    Tsallis,
    differential_entropy,
    entropy,
    lmc_complexity,
)

LENGTH, N, A = 50.0, 512, 2.0
DX, DK = LENGTH / N, 2 * math.pi / LENGTH
X = np.arange(N) * DX - LENGTH / 2


def soliton(amplitude=A, velocity=0.0, position=X[150]):
    return amplitude / np.cosh(amplitude * (X - position)) * np.exp(1j * velocity * X)


@pytest.mark.parametrize(
    ("measure", "outcomes", "formula", "value"),
    [
        (Shannon(), Density(), 2 - math.log(2 * A) - math.log(DX), 2.9400073),
        (Shannon(), Spectrum(), 2 - math.log(math.pi / A) - math.log(DK), 3.6225632),
        (Renyi(order=2), Density(), -math.log(A * DX / 3), 2.7317667),
        (MinEntropy(), Density(), -math.log(A * DX / 2), 2.3263016),
        (
            Tsallis(order=0.5),
            Density(),
            2 * (math.sqrt(A / 2) * math.pi / (A * math.sqrt(DX)) - 1),
            8.0530965,
        ),
        (Tsallis(order=2), Density(), 1 - A * DX / 3, 0.9348958),
    ],
    ids=["shannon", "spectral", "renyi 2", "min", "tsallis 1/2", "tsallis 2"],
)
def test_sech_soliton(measure, outcomes, formula, value):
    """The trapezoidal rule on a periodic grid is exact to rounding for sech, whose tails are e^-50
    at the box.
    """
    for velocity in (0.0, 16 * math.pi / LENGTH):
        got = float(entropy(soliton(velocity=velocity), measure=measure, outcomes=outcomes))
        assert got == pytest.approx(formula, abs=1e-9)
        assert got == pytest.approx(value, abs=6e-8)


def test_spectral_entropy_of_a_soliton_does_not_depend_on_a_carrier_that_fits_the_box():
    still = entropy(soliton(), outcomes=Spectrum())
    moving = entropy(soliton(velocity=2 * math.pi * 8 / LENGTH), outcomes=Spectrum())
    assert float(still) == pytest.approx(float(moving), abs=1e-12)


@pytest.mark.parametrize("amplitude", [1.0, 2.0, 4.0])
def test_entropic_uncertainty_of_a_sech_soliton(amplitude):
    """h_x + h_k = 4 - ln 2 pi for every amplitude, above the Gaussian bound 1 + ln pi."""
    psi = soliton(amplitude, position=0.0)
    spectrum = np.abs(np.fft.fft(psi)) ** 2
    total = float(differential_entropy(psi, DX)) + float(differential_entropy(spectrum, DK))
    assert total == pytest.approx(4 - math.log(2 * math.pi), abs=1e-7)
    assert total > 1 + math.log(math.pi)


def test_two_solitons_before_their_collision():
    """Shannon + ln dx of two distant pulses: each pulse's own, weighted by mass, plus the entropy
    of the masses.
    """
    psi = 2 / np.cosh(2 * (X + 10)) + 1.5 / np.cosh(1.5 * (X - 10))
    assert float(differential_entropy(psi**2, DX)) == pytest.approx(1.419906, abs=1e-6)


def test_gaussian_density_in_one_and_two_dimensions():
    x = np.linspace(-12, 12, 240, endpoint=False)
    gauss = np.exp(-(x**2) / 2)
    one = float(differential_entropy(gauss, x[1] - x[0]))
    assert one == pytest.approx(0.5 * math.log(2 * math.pi * math.e), abs=1e-12)
    assert one == pytest.approx(1.418939, abs=5e-7)
    two = differential_entropy(np.outer(gauss, np.exp(-2 * x[::2] ** 2)), (0.1, 0.2), axis=(0, 1))
    assert float(two) == pytest.approx(2 * one - math.log(2), abs=1e-12)
    with pytest.raises(ValueError, match="spacing has shape"):
        differential_entropy(gauss, (0.1, 0.2), axis=0)


def test_lmc_complexity():
    p = np.abs(soliton()) ** 2
    p /= p.sum()
    shannon, disequilibrium = -(p * np.log(p)).sum() / math.log(N), ((p - 1 / N) ** 2).sum()
    assert float(lmc_complexity(p)) == pytest.approx(shannon * disequilibrium, rel=1e-12)
    # sum p^2 = A dx/3 for a sech, so the published table's 15.238 has a closed form as well
    exact = (2 - math.log(2 * A) - math.log(DX)) / math.log(N) * (A * DX / 3 - 1 / N) * N
    assert float(lmc_complexity(p, times_n=True)) == pytest.approx(exact, abs=1e-8)
    assert float(lmc_complexity(p, times_n=True)) == pytest.approx(15.238, abs=5e-4)
    assert float(lmc_complexity(jnp.full(9, 1 / 9))) == pytest.approx(0, abs=1e-16)
    assert float(lmc_complexity(jnp.asarray([0.0, 1.0, 0.0]))) == 0


def test_axes_batch_and_flattening():
    x = np.random.default_rng(0).random((3, 4, 5))
    looped = [[float(entropy(x[i, :, k])) for k in range(5)] for i in range(3)]
    np.testing.assert_allclose(entropy(x, axis=1), looped, rtol=1e-13)
    flattened = [float(entropy(x[:, j].ravel())) for j in range(4)]
    np.testing.assert_allclose(entropy(x, axis=(0, 2)), flattened, rtol=1e-13)
    assert entropy(x, axis=(0, 1, 2)).shape == ()
    mapped = jax.vmap(lambda row: entropy(row, axis=-1))(jnp.asarray(x))
    np.testing.assert_allclose(mapped, entropy(x), rtol=1e-14)
    spectra = [float(entropy(x[i], outcomes=Spectrum(), axis=(0, 1))) for i in range(3)]
    np.testing.assert_allclose(entropy(x, outcomes=Spectrum(), axis=(1, 2)), spectra, rtol=1e-12)
    with pytest.raises(ValueError, match=r"axis: given .*, allowed: different axes"):
        entropy(x, axis=(1, 1))
    with pytest.raises(ValueError, match=r"axis: given .*, allowed: different axes"):
        entropy(x, axis=3)


def test_base_and_normalisation():
    x = np.random.default_rng(0).random(64)
    nats = float(entropy(x))
    assert float(entropy(x, base=2)) == pytest.approx(nats / math.log(2), rel=1e-14)
    assert float(entropy(x, normalise=True)) == pytest.approx(nats / math.log(64), rel=1e-14)
    for kind in MEASURES.values():
        assert 0 <= float(entropy(x, measure=kind(), normalise=True)) <= 1 + 1e-14
    assert float(entropy(np.ones(64), measure=Tsallis(order=3), normalise=True)) == pytest.approx(
        1, rel=1e-13
    )
    with pytest.raises(ValueError, match="Tsallis entropy is not a logarithm"):
        entropy(x, measure=Tsallis(), base=2)


def test_white_noise_and_a_tone_in_the_one_sided_spectrum():
    """A raw periodogram of white noise has exponential powers: H = ln K - (1 - gamma_E) on
    average.
    """
    noise = np.random.default_rng(3).standard_normal((400, 1024))
    h = np.asarray(entropy(noise, outcomes=Spectrum(one_sided=True), normalise=True))
    expected = 1 - (1 - float(np.euler_gamma)) / math.log(513)
    assert h.mean() == pytest.approx(expected, abs=4 * h.std() / 20)
    assert h.std() / 20 < 5e-4
    tone = np.cos(2 * np.pi * 20 * np.arange(1024) / 1024 + 0.3)
    assert float(entropy(tone, outcomes=Spectrum(one_sided=True))) == pytest.approx(0, abs=1e-12)
    assert float(entropy(tone, outcomes=Spectrum())) == pytest.approx(math.log(2), abs=1e-12)
    shifted = entropy(tone + 5, outcomes=Spectrum(one_sided=True, detrend="mean"))
    assert float(shifted) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="real field"):
        entropy(tone + 1j, outcomes=Spectrum(one_sided=True))


@pytest.mark.parametrize("shape", [(16,), (15,), (6, 8), (6, 7)])
def test_one_sided_spectrum_adds_partners(shape):
    x = np.random.default_rng(5).standard_normal(shape)
    axes = tuple(range(len(shape)))
    two = np.asarray(Spectrum().counts(x, axes)).reshape(shape)
    one = np.asarray(Spectrum(one_sided=True).counts(x, axes)).reshape(*shape[:-1], -1)
    assert one.sum() == pytest.approx(two.sum(), rel=1e-12)
    half = one.shape[-1]
    added = two[..., :half].copy()
    for k in range(1, half):
        if 2 * k != shape[-1]:
            added[..., k] += np.roll(two[..., ::-1, -k], 1, axis=0) if len(shape) == 2 else two[-k]
    np.testing.assert_allclose(one, added, rtol=1e-10, atol=1e-10)


def test_negative_density_is_not_a_number_unless_clipped():
    x = np.array([1.0, 2.0, -1e-17, 3.0])
    assert np.isnan(float(entropy(x)))
    clipped = float(entropy(x, outcomes=Density(negative="clip")))
    assert clipped == pytest.approx(float(entropy(np.array([1.0, 2.0, 3.0]))), rel=1e-14)
    assert np.isnan(float(entropy(np.zeros(4))))


def test_gradient_of_the_entropy_of_a_field():
    x = np.random.default_rng(7).random(6) + 0.1
    for measure, outcomes in [
        (Shannon(), Density()),
        (Renyi(order=1.0), Density()),
        (Renyi(order=2.5), Spectrum()),
    ]:
        value = lambda x, m=measure, o=outcomes: entropy(x, measure=m, outcomes=o)  # noqa: E731
        gradient = jax.grad(value)(jnp.asarray(x))
        numeric = [(float(value(x + s)) - float(value(x - s))) / 2e-6 for s in 1e-6 * np.eye(6)]
        np.testing.assert_allclose(gradient, numeric, atol=1e-8)
    zeros = jax.grad(lambda x: entropy(x))(jnp.asarray([0.0, 1.0, 2.0]))
    assert np.all(np.isfinite(zeros))


def test_jit_equals_eager_and_single_precision():
    x = np.random.default_rng(8).random((4, 33))
    with jax.disable_jit():
        eager = entropy(x, measure=Renyi(order=0.7), outcomes=Spectrum(), axis=1)
    np.testing.assert_allclose(
        entropy(x, measure=Renyi(order=0.7), outcomes=Spectrum(), axis=1), eager, rtol=1e-13
    )
    single = entropy(x.astype(np.float32), normalise=True)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, entropy(x, normalise=True), rtol=1e-5)
    single = differential_entropy(x.astype(np.float32), 0.1)
    assert single.dtype == jnp.float32


def test_integers_are_counts_or_a_density():
    counts = np.array([5, 0, 3, 2])
    expected = -sum(c / 10 * math.log(c / 10) for c in (5, 3, 2))
    assert float(entropy(counts)) == pytest.approx(expected, rel=1e-14)
    assert float(entropy(counts, outcomes=Counts())) == pytest.approx(expected, rel=1e-14)


def test_every_outcome_space_of_a_field_has_a_name():
    assert {Density, Spectrum, Counts} <= set(OUTCOMES.values())
