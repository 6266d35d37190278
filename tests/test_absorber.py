"""A wave leaves the box through an absorbing layer."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

import physent
from physent import SpectralSolver, Unknown, as_number, param
from physent.numerics.operators import absorber
from physent.numerics.unknowns import Fields


class Open(SpectralSolver):
    """i psi_t + lap psi/2 = -i gamma psi."""

    degree = None
    strength: Array = param(default=2.0, converter=as_number, doc="largest rate", units="1/time")

    def fields(self):
        return {"psi": Unknown(complex=True)}

    def linear(self, k):
        return -0.5j * k**2

    def nonlinear(self, f):
        return -absorber(f, 10.0, self.strength) * f.psi

    def conserved(self, f):
        return {"mass": f.psi.square}


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
def test_a_packet_leaves_and_little_comes_back(strength):
    """Of a packet of speed 4 that crossed both layers exp(-2 strength width/v) of its mass is left,
    and less than 1e-7 goes the other way.
    """
    start = lambda x: jnp.exp(-(x**2) / 16 + 4j * x)  # noqa: E731
    solver = Open(n=256, length=60.0, dt=0.02, dealias="none", initial=start, strength=strength)
    run = physent.run(solver, t_end=15.0, save_every=15.0)
    modes = np.abs(np.fft.fft(run.psi.values)) ** 2
    back = modes[1, np.fft.fftfreq(256) < 0].sum() / modes[0].sum()
    left = modes[1].sum() / modes[0].sum()
    assert left == pytest.approx(np.exp(-2 * strength * 10 / 4), rel=0.5)
    assert back < 1e-7


def test_the_layer_is_as_it_says():
    solver = Open(n=(8, 6), length=(40.0, 40.0), dealias="none", initial=lambda x, y: 0 * x + 0j)
    gamma = np.asarray(absorber(Fields(solver.basis, {}, 0.0), 10.0, 3.0))
    assert gamma[4, 3] == pytest.approx(0.0, abs=1e-12) and gamma[0, 3] == pytest.approx(3.0)
    assert gamma[0, 0] == pytest.approx(6.0)
