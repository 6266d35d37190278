"""What the horizontal means and the Fourier modes of a flow say of its stability and its scales."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics import slab

from .box import Box, Centred


def richardson(flow: Centred, box: Box, buoyancy: Array) -> tuple[Array, Array]:
    """The bulk and the smallest gradient Richardson number of the horizontal means U(z) and rho(z).

    Bulk: G (rho_bottom - rho_top) delta/(Delta U)^2, with Delta U the range of U and delta = Delta
    U/max |U'| the vorticity thickness. Gradient: min over z of -G rho'/U'^2, where |U'| is at least
    a tenth of its maximum; a layer can be unstable only where it falls below 1/4 (J. W. Miles, L.
    N. Howard, J. Fluid Mech. 10, 496 and 509, 1961).
    """
    stream, density = jnp.mean(flow.u, axis=0), jnp.mean(flow.density, axis=0)
    shear, stratification = jnp.diff(stream) / box.dz, -buoyancy * jnp.diff(density) / box.dz
    steepest = jnp.max(jnp.abs(shear))
    tiny = jnp.finfo(shear.dtype).eps
    bulk = (
        buoyancy
        * (density[0] - density[-1])
        / (steepest * (jnp.max(stream) - jnp.min(stream)) + tiny)
    )
    ratio = stratification / (shear**2 + tiny)
    sheared = jnp.abs(shear) >= 0.1 * steepest
    return bulk, jnp.min(jnp.where(sheared, ratio, jnp.max(jnp.abs(ratio))))


def energy_spectrum(flow: Centred, box: Box) -> Float[Array, " k"]:
    """The kinetic energy of each horizontal wavenumber, integrated over z; its sum is that of the
    cells' centres.
    """
    modes = jnp.stack([slab.rfft(f.T, norm="forward") for f in (flow.u, flow.w)])
    energy = jnp.sum(modes.real**2 + modes.imag**2, axis=(0, 1)) * (box.length * box.dz / 2)
    k = jnp.arange(energy.shape[0])
    return jnp.where((k == 0) | (2 * k == box.nx), 1, 2) * energy
