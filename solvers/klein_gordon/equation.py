"""The nonlinear Klein-Gordon equation: the solver."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from physent.numerics.basis import shapes_of
from physent.numerics.flows import wave_flow
from physent.numerics.spectral import squared_modulus
from physent.numerics.splitting import SPLITTINGS, STRANG, split_step
from physent.protocol.parameters import require_one_member
from physent.protocol.solver import too_long
from physent.protocol.variables import Axis, Domain, Variable

from .potential import Linear
from .profiles import Random
from .setting import AXES, KleinGordonState, Setting


class KleinGordon(Setting):
    """The nonlinear Klein-Gordon equation of a real field in one to three dimensions, in units
    where the speed of light is 1.

    phi_tt - lap phi + V'(phi) = 0,  x in [-length/2, length/2), n points, along each axis.

    Conserved are the energy int phi_t^2/2 + |grad phi|^2/2 + V, the momentum -int phi_t grad phi,
    and the topological charge, which the boundary fixes. The splitting methods solve phi_tt = lap
    phi - linear_mass^2 phi exactly and kick phi_t by the rest of the force, so that a free field is
    exact for any dt; `stormer_verlet` kicks by the whole force. All of them are symplectic and
    reversible, with a fixed dt; `dopri8` takes as many inner steps in a dt as `rtol` and `atol` ask
    for. A mass in the linear part helps small waves about phi = 0 and hurts moving kinks, which it
    makes 25 to 150 times less accurate. `damping`, `absorbing_width` and `forcing` add -gamma
    phi_t, layers at the ends of the box that absorb waves, and a uniform force F cos(w t).
    """

    def init(self, key: PRNGKeyArray) -> KleinGordonState:
        """The initial condition at t = 0."""
        require_one_member(self)
        t, waves = jnp.zeros_like(self.dt), self._waves()
        phi, phi_t = self._start(key)
        return KleinGordonState(
            t=t,
            phi=phi,
            phi_t=phi_t,
            probe=self._at_probe(waves, phi),
            bounces=jnp.zeros((), int),
            inner_step=jnp.zeros_like(t) if self.method == "dopri8" else None,
        )

    def step(self, state: KleinGordonState) -> KleinGordonState:
        """The state after one time step dt."""
        pair, inner_step, waves = (state.phi, state.phi_t), state.inner_step, self._waves()
        if self.method == "stormer_verlet":
            pair = split_step(
                STRANG,
                pair,
                self.dt,
                waves.whole_kick,
                lambda pair, tau: (pair[0] + tau * pair[1], pair[1]),
            )
        elif self.method in SPLITTINGS:
            pair, _ = split_step(  # time goes on with the drifts, and stands still in kicks
                SPLITTINGS[self.method],
                (pair, state.t),
                self.dt,
                lambda now, tau: (waves.kick(*now, tau), now[1]),
                lambda now, tau: (waves.drift(now[0], tau), now[1] + tau),
            )
        else:
            inner_step = self.dt if inner_step is None else inner_step
            pair, inner_step = waves.adaptive(pair, self.dt, inner_step, self.rtol, self.atol)
        probe = self._at_probe(waves, pair[0])
        return KleinGordonState(
            t=state.t + self.dt,
            phi=pair[0],
            phi_t=pair[1],
            probe=probe,
            bounces=state.bounces + ((state.probe > 0) & (probe <= 0)),  # it has fallen
            inner_step=inner_step,
        )

    def observe(self, state: KleinGordonState) -> dict[str, Array]:
        """phi and phi_t, and the densities phi_t^2/2 + |grad phi|^2/2 + V and -phi_t grad phi by
        spectral derivatives; momentum_density is that along x.

        At the probe point: phi, phi_t, and the number of times phi has fallen through zero, found
        once a step. With losses or a force: the energy.
        """
        waves = self._waves()
        phi, phi_t = waves.phi(state.phi), waves.field(state.phi_t)
        slopes = waves.slopes(state.phi)
        square = sum((slope**2 for slope in slopes), phi_t**2)
        momenta = {self._momentum(i): -phi_t * slope for i, slope in enumerate(slopes)}
        return {
            "phi": phi,
            "phi_t": phi_t,
            "energy_density": 0.5 * square + self.potential(phi),
            **momenta,
            "phi_probe": state.probe,
            "phi_t_probe": waves.at(self._probe(), state.phi_t) + jnp.zeros_like(state.t),
            "bounces": state.bounces,
            **({"energy": self._sums(state)["energy"]} if self._losses() else {}),
        }

    def variables(self) -> dict[str, Variable]:
        """Fields on the grid, and series at the probe; dimensionless, like the equation."""
        axes = AXES[: len(shapes_of(self.n))]
        unit = ("length", "area", "volume")[len(axes) - 1]
        momenta = {
            self._momentum(i): Variable(
                axes,
                "momentum_density",
                "1",
                f"momentum {'' if len(axes) == 1 else f'along {axis} '}per unit {unit}",
            )
            for i, axis in enumerate(axes)
        }
        return {
            "phi": Variable(axes, "amplitude", "1", "field"),
            "phi_t": Variable(
                axes, "momentum", "1", "time derivative of the field, its conjugate momentum"
            ),
            "energy_density": Variable(axes, "energy_density", "1", f"energy per unit {unit}"),
            **momenta,
            "phi_probe": Variable((), "scalar", "1", "field at the probe point"),
            "phi_t_probe": Variable(
                (), "scalar", "1", "time derivative of the field at the probe point"
            ),
            "bounces": Variable(
                (), "count", "1", "times the field has fallen through zero at the probe point"
            ),
            **({"energy": Variable((), "scalar", "1", "energy")} if self._losses() else {}),
        }

    def domain(self) -> Domain:
        """The axes, periodic in space for any boundary of the field but walls."""
        points, lengths, around = self._lines(), self._lengths(), not self.boundary.walls
        words = [f"position along {axis}" for axis in AXES] if len(points) > 1 else ["position"]
        return Domain(
            tuple(
                Axis(AXES[i], x, lengths[i], periodic=around, long_name=words[i])
                for i, x in enumerate(points)
            )
        )

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """All methods except dopri8 are symplectic; the topological sector is conserved."""
        if self.method == "dopri8" or self._losses():
            return {"topological_charge": "exactly"}
        momenta = [] if self.boundary.walls else range(len(shapes_of(self.n)))
        named = {self._momentum(i, ""): "bounded" for i in momenta}
        return {"energy": "bounded", **named, "topological_charge": "exactly"}  # pyright: ignore[reportReturnType]

    def why_irreversible(self) -> str | None:
        """All methods except dopri8 are reversible, without losses."""
        if lost := [name for name in self._losses() if name != "forcing"]:
            return f"{lost[0]} takes energy away"
        return "method 'dopri8' is not reversible" if self.method == "dopri8" else None

    def invariants(self, state: KleinGordonState) -> dict[str, Array]:
        """Energy, momentum and topological charge; sums over the modes, exact for the grid's
        interpolant.

        The energy counts the Nyquist mode, as the solver evolves it; the momentum does not, for it
        has no sign. With losses or a force the charge alone is conserved, and `observe` has the
        energy.
        """
        charge = jnp.full_like(self._medium().basis.volume, self.boundary.charge())
        sums = {} if self._losses() else self._sums(state)
        return {**sums, "topological_charge": charge}

    def _sums(self, state: KleinGordonState) -> dict[str, Array]:
        """Energy and momentum."""
        waves = self._waves()
        weights, size = waves.weights(), waves.basis.volume
        kinetic = jnp.sum(weights * squared_modulus(state.phi_t))
        slope = waves.background_slope()
        gradient = jnp.sum(weights * waves.square() * squared_modulus(state.phi)) + slope**2
        energy = 0.5 * (kinetic + gradient) + jnp.mean(self.potential(waves.phi(state.phi)))
        momenta = {}
        for i, k in enumerate(waves.basis.wavenumbers()):
            if k.signed is not None:
                crossed = (1j * k.signed * state.phi) * jnp.conj(state.phi_t)
                # the first mode is the mean
                mean = 0.0 if i else slope * state.phi_t[(0,) * state.phi_t.ndim].real
                momentum = jnp.sum(weights * crossed.real) + mean
                momenta[self._momentum(i, "")] = -size * momentum
        return {"energy": size * energy, **momenta}

    def exact(self, t: Array) -> dict[str, Array]:
        """phi and phi_t at time t, if the initial condition is a solution; always with the linear
        potential, mode by mode from t = 0, in one step.
        """
        waves = self._waves()
        if self._losses() or isinstance(self.initial, Random):
            return {}
        if isinstance(self.potential, Linear):
            modes = wave_flow(*self._start(), waves.square() + self.potential.mass**2, t)
            phi, phi_t = waves.phi(modes[0]), waves.field(modes[1])
        elif self.initial.is_solution(self._medium()) and not self.boundary.walls:
            x, medium = self._medium_at()
            phi, phi_t = self.initial.start(x, t, medium)
        else:
            return {}
        return {"phi": phi, "phi_t": phi_t}

    def longest_dt(self) -> Array:
        """Half the light travel time between grid points, dx/2; dx/8 with methods of order 2.

        Verlet's method is stable up to 2/k_max = .64 dx. The step stays fixed: a change on the way
        would cost the bounded energy error, which a symplectic method has with one dt only.
        """
        share = 0.125 if self.method in ("stormer_verlet", "strang") else 0.5
        shape = shapes_of(self.n)
        if len(shape) == 1:
            return share * self.length / shape[0]
        return share * jnp.sum((np.asarray(shape) / self.length) ** 2, axis=-1) ** -0.5

    def doubtful_dt(self) -> str | None:
        """Whether the step of a splitting is longer than light takes between grid points, where
        k_max dt > pi and the shortest waves can resonate with it; free fields are exact.
        """
        if self.method == "dopri8" or self._is_free():
            return None
        long = too_long(self.dt, self._spacing(), "light takes between grid points, ")
        return long and (
            f"{long}: the shortest waves can grow by resonance with the step; 'auto' chooses a "
            "shorter one"
        )
