"""Field equations of the tests, stated as a user would."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent import (
    SpectralSolver,
    Unknown,
    Variable,
    as_number,
    param,
)
from physent.numerics.field import Vector
from physent.numerics.operators import advection, curl, divergence, inverse_laplacian


class KortewegDeVries(SpectralSolver):
    """u_t + 6 u u_x + u_xxx = 0."""

    def fields(self):
        return {"u": Variable(role="scalar", long_name="height")}

    def linear(self, k):
        return 1j * k**3

    def nonlinear(self, f):
        return -3 * (f.u * f.u).dx

    def conserved(self, f):
        return {"mass": f.u, "momentum": f.u**2}


class Schroedinger(SpectralSolver):
    """i psi_t + lap psi / 2 + g |psi|^2 psi = 0."""

    degree = 3
    nonlinearity: Array = param(default=1.0, converter=as_number, doc="g")

    def fields(self):
        return {"psi": Unknown(role="amplitude", complex=True)}

    def linear(self, k):
        return -0.5j * k**2

    def nonlinear(self, f):
        return 1j * self.nonlinearity * f.psi.square * f.psi

    def exact_flow(self, f, tau):
        return f.psi * f.psi.square.map(lambda v: jnp.exp(1j * self.nonlinearity * tau * v))

    def conserved(self, f):
        return {"mass": f.psi.square}


class HeatBetweenWalls(SpectralSolver):
    """u_t = lap u, where u or its slope vanishes at the walls."""

    def fields(self):
        return {"u": Unknown(walls="odd"), "v": Unknown(walls="even")}

    def linear(self, k):
        return {"u": -(k**2), "v": -(k**2)}

    def nonlinear(self, f):
        return {}


class Layers(SpectralSolver):
    """u_t = lap u - u v, v_t = lap v + u + (u v)_yy."""

    def fields(self):
        return {"u": Unknown(), "v": Unknown()}

    def linear(self, k):
        return {"u": -(k**2), "v": {"u": 1.0, "v": -(k**2)}}

    def nonlinear(self, f):
        return {"u": -f.u * f.v, "v": (f.u * f.v).dy.dy}


class Waves(SpectralSolver):
    """u_t = v, v_t = lap u - m^2 u + force."""

    mass: Array = param(default=0.0, converter=as_number, doc="m")

    def fields(self):
        return {"u": Unknown(walls="odd"), "v": Unknown(walls="odd")}

    def linear(self, k):
        return {"u": {"v": 1.0}, "v": {"u": -(k**2) - self.mass**2}}

    def nonlinear(self, f):
        return {}


class Stream(SpectralSolver):
    """Vorticity in two dimensions, w_t + v . grad w = nu lap w, v = curl psi, -lap psi = w."""

    dimensions = (2,)
    viscosity: Array = param(default=0.01, converter=as_number, doc="nu")

    def fields(self):
        return {"vorticity": Variable(role="vorticity")}

    def linear(self, k):
        return -self.viscosity * k**2

    def nonlinear(self, f):
        return -advection(self.velocity(f), f.vorticity)

    def velocity(self, f):
        return curl(-inverse_laplacian(f.vorticity))

    def derived(self, f):
        u, v = self.velocity(f)
        return {"u": (Variable(role="velocity"), u), "v": (Variable(role="velocity"), v)}

    def conserved(self, f):
        u, v = self.velocity(f)
        return {"energy": (u**2 + v**2) / 2, "enstrophy": f.vorticity**2}


class Incompressible(SpectralSolver):
    """Three velocities without divergence, v_t = P (v x curl v) + nu lap v."""

    dimensions = (3,)
    viscosity: Array = param(default=0.01, converter=as_number, doc="nu")

    def fields(self):
        return {name: Variable(role="velocity") for name in "uvw"}

    def linear(self, k):
        return dict.fromkeys("uvw", -self.viscosity * k**2)

    def nonlinear(self, f):
        v = Vector(f.values())
        x, y, z = v
        p, q, r = curl(v)
        c = Vector((y * r - z * q, z * p - x * r, x * q - y * p))
        pressure = inverse_laplacian(divergence(c))
        return {"u": c[0] - pressure.dx, "v": c[1] - pressure.dy, "w": c[2] - pressure.dz}

    def conserved(self, f):
        return {"energy": (f.u**2 + f.v**2 + f.w**2) / 2}


def after(solver, t, key=0):
    """The state of a solver at time t."""
    steps = round(float(t / solver.dt))
    start = solver.init(jax.random.key(key))
    return jax.jit(lambda s: jax.lax.fori_loop(0, steps, lambda _, y: solver.step(y), s))(start)
