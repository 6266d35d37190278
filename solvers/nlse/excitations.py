"""The small oscillations of a stationary state: Bogoliubov's spectrum."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from physent.errors import ParameterError

from .ground import Ground, hamiltonian


class Excitations(NamedTuple):
    """Frequencies from the lowest, and for each the change u of Re psi, of unit norm."""

    frequencies: np.ndarray
    changes: np.ndarray


def bogoliubov(solver: Any, ground: Ground, count: int = 10) -> Excitations:
    """The lowest frequencies of psi e^{-i mu t} + small, psi a real ground state: omega^2 are the
    eigenvalues of L_- L_+, with L_- w = (H - mu) w and L_+ = L_- - 2 g f' psi^2.

    They are found as the largest ones of the inverse, by Arnoldi's method, on what is orthogonal
    to psi; the linear systems are solved by conjugate gradients. The state must be a minimum of the
    energy without symmetries but that of the phase. (N. Bogoliubov, J. Phys. USSR 11, 23, 1947.)

    Args:
        solver: the equation, an `NLSE` without rotation.
        ground: its state of lowest energy, from `ground_state`.
        count: the number of frequencies.

    Raises ParameterError in a turning frame, where psi is not real.
    """
    if solver.rotation is not None:
        raise ParameterError("rotation", "given, allowed for a spectrum: none, where psi is real")
    import scipy.sparse.linalg

    sparse: Any = scipy.sparse.linalg  # whose types say less than it takes

    basis = solver.basis.with_points(solver.basis.shape)
    psi = np.asarray(ground.psi)
    psi = (psi * np.exp(-1j * np.angle(psi.sum()))).real
    unit, mu = jnp.asarray(psi / np.linalg.norm(psi)), ground.chemical_potential
    complex_ = jnp.asarray(psi).astype(complex)

    def orthogonal(v: jax.Array) -> jax.Array:
        return v - jnp.sum(unit * v) * unit

    def changed(v: jax.Array) -> jax.Array:
        return jax.jvp(lambda p: hamiltonian(solver, basis, p) - mu * p, (complex_,), (v,))[1]

    def plus(u: jax.Array) -> jax.Array:
        return orthogonal(changed(orthogonal(u).astype(complex)).real)

    def minus(w: jax.Array) -> jax.Array:
        return orthogonal(changed(1j * orthogonal(w)).imag)

    v = solver.potential(basis, jnp.zeros_like(solver.dt))
    deep = abs(solver.nonlinearity) * psi**2 + (0 if v is None else v - jnp.min(v))
    mean = jnp.sum(psi**2 * deep) / jnp.sum(psi**2) + 1e-3
    half = jnp.sqrt(mean / (mean + deep))
    kinetic = 1 / (mean + solver.dispersion * basis.wavenumbers() ** 2)

    def near(w: jax.Array) -> jax.Array:
        inside = jnp.fft.ifftn(kinetic * jnp.fft.fftn(half * orthogonal(w))).real
        return orthogonal(half * inside)

    @jax.jit
    def inverse(b: jax.Array) -> jax.Array:
        b = orthogonal(b.reshape(psi.shape))
        for operator in (minus, plus):
            b, _ = jax.scipy.sparse.linalg.cg(operator, b, tol=1e-13, maxiter=2000, M=near)
            b = orthogonal(b)
        return b.reshape(-1)

    size = psi.size
    operator = sparse.LinearOperator(
        (size, size), matvec=lambda b: np.asarray(inverse(jnp.asarray(b).reshape(-1))), dtype=float
    )
    start = np.random.default_rng(0).normal(size=size)
    squares, modes = sparse.eigs(operator, k=count, which="LM", v0=start, tol=1e-12)
    order = np.argsort(-squares.real)
    found = modes.real.T[order]
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return Excitations(np.sqrt(1 / squares.real[order]), (found / norms).reshape(count, *psi.shape))
