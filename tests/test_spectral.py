"""Fourier methods against functions whose derivatives and products are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from physent.numerics import spectral

LENGTH = jnp.asarray(7.0)


def grid(n):
    return np.arange(n) / n * 7.0


def coefficients(n, modes):
    """A spectrum in the order of the FFT from a mapping of mode to amplitude."""
    spectrum = np.zeros(n, complex)
    for mode, amplitude in modes.items():
        spectrum[mode % n] = amplitude * n
    return jnp.asarray(spectrum)


@pytest.mark.parametrize("n", [16, 17])
def test_wavenumbers(n):
    assert np.allclose(
        spectral.wavenumbers(n, LENGTH), 2 * np.pi * np.fft.fftfreq(n, 7.0 / n), rtol=1e-15
    )


@pytest.mark.parametrize("n", [32, 33])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivative_of_a_trigonometric_polynomial_is_exact(n, order):
    k = 2 * np.pi / 7
    f = np.sin(3 * k * grid(n)) + 0.5 * np.cos(5 * k * grid(n))
    derivatives = {
        1: 3 * k * np.cos(3 * k * grid(n)) - 2.5 * k * np.sin(5 * k * grid(n)),
        2: -((3 * k) ** 2) * np.sin(3 * k * grid(n)) - 0.5 * (5 * k) ** 2 * np.cos(5 * k * grid(n)),
        3: -((3 * k) ** 3) * np.cos(3 * k * grid(n)) + 0.5 * (5 * k) ** 3 * np.sin(5 * k * grid(n)),
    }
    result = spectral.derivative(jnp.asarray(f), LENGTH, order)
    assert not jnp.iscomplexobj(result)
    assert np.max(np.abs(result - derivatives[order])) < 1e-10


def test_derivative_along_an_axis_and_of_complex_fields():
    n, k = 32, 2 * np.pi / 7
    f = jnp.asarray(np.exp(2j * k * grid(n)))
    stacked = jnp.stack([f, 3 * f], axis=1)
    result = spectral.derivative(stacked, LENGTH, axis=0)
    assert np.max(np.abs(result - 2j * k * stacked)) < 1e-12


def test_the_nyquist_mode_has_no_odd_derivative():
    f = jnp.asarray((-1.0) ** np.arange(16))
    assert np.max(np.abs(spectral.derivative(f, LENGTH))) < 1e-13
    k = np.pi * 16 / 7
    assert np.max(np.abs(spectral.derivative(f, LENGTH, order=2) + k**2 * f)) < 1e-10


def test_derivative_by_the_length():
    f = jnp.asarray(np.sin(2 * np.pi * grid(16) / 7))
    slope = jax.jacfwd(lambda length: spectral.derivative(f, length))(LENGTH)
    assert np.max(np.abs(slope + spectral.derivative(f, LENGTH) / 7)) < 1e-13


def test_two_thirds_filter():
    filtered = np.asarray(spectral.two_thirds_filter(512))
    modes = np.abs(np.fft.fftfreq(512, 1 / 512))
    k_c = 2 * np.pi * 512 / (3 * 50.0)  # as simple-idealized-1d-nlse has it, for a length of 50
    assert np.allclose(filtered, np.exp(-36 * (2 * np.pi * modes / 50 / k_c) ** 36), atol=1e-15)
    assert filtered[modes > 180].max() < 1e-60
    assert filtered[modes < 80].min() > 1 - 1e-6
    assert spectral.two_thirds_filter(8, jnp.float32).dtype == jnp.float32


@pytest.mark.parametrize("n", [16, 15])
def test_padding_and_truncation_are_inverse_below_the_nyquist_mode(n):
    spectrum = coefficients(n, {0: 1.0, 3: 2j, -5: 0.5, 7: 1 - 1j})
    fine = spectral.pad(spectrum, 40)
    assert np.allclose(
        np.fft.ifft(fine)[::5],
        np.fft.ifft(np.asarray(spectral.pad(spectrum, 8 * n)))[:: 8 * n // 8],
    )
    assert np.allclose(spectral.truncate(fine, n), spectrum, atol=1e-13)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([8, 9, 12]), st.integers(0, 2**32 - 1))
def test_dealiased_cubic_is_the_convolution(n, seed):
    """c_m = sum over p - q + r = m of a_p conj(a_q) a_r, all modes paired."""
    generator = np.random.default_rng(seed)
    top = (n - 1) // 2
    modes = range(-top, top + 1)
    a = {mode: complex(*generator.normal(size=2)) for mode in modes}
    expected = dict.fromkeys(modes, 0j)
    for p in modes:
        for q in modes:
            for r in modes:
                if abs(p - q + r) <= top:
                    expected[p - q + r] += a[p] * np.conj(a[q]) * a[r]
    result = spectral.dealiased_cubic(coefficients(n, a))
    assert np.allclose(result, coefficients(n, expected), atol=1e-10)


def test_dealiased_cubic_along_another_axis():
    spectrum = jnp.asarray(np.random.default_rng(1).normal(size=(8, 3)) + 0j)
    along_first = spectral.dealiased_cubic(spectrum, axis=0)
    assert np.allclose(along_first[:, 1], spectral.dealiased_cubic(spectrum[:, 1]), atol=1e-13)


def test_single_precision_stays_single():
    real, z = jax.ShapeDtypeStruct((16,), jnp.float32), jax.ShapeDtypeStruct((16,), jnp.complex64)
    length = jax.ShapeDtypeStruct((), jnp.float32)
    assert (
        jax.eval_shape(lambda length: spectral.wavenumbers(16, length), length).dtype == jnp.float32
    )
    assert jax.eval_shape(spectral.derivative, real, length).dtype == jnp.float32
    assert jax.eval_shape(spectral.dealiased_cubic, z).dtype == jnp.complex64
