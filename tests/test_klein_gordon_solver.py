"""The Klein-Gordon solver as others see it: refusals, sectors, precision, members, gradients,
files.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import advance

import physent
from physent.errors import ConfigError, ParameterError
from physent.experiment.building import load_experiment
from physent.protocol.parameters import declarations, member_axes, settings
from physent.solvers.klein_gordon import (
    Antiperiodic,
    Breather,
    CustomPotential,
    DoubleSineGordon,
    Gaussian,
    KinkAntikink,
    KleinGordon,
    Linear,
    Periodic,
    Phi4,
    Phi4Kink,
    PlaneWave,
    Sampled,
    SineGordon,
    SineGordonKink,
    TwoKink,
    Winding,
)
from physent.solvers.klein_gordon.waves import Waves


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: KleinGordon(potential=Phi4(), initial=Phi4Kink()),
            ["boundary", "'periodic'", "'antiperiodic'"],
        ),
        (
            lambda: KleinGordon(potential=SineGordon(), initial=SineGordonKink()),
            ["'periodic'", "'winding'"],
        ),
        (
            lambda: KleinGordon(
                potential=SineGordon(), boundary=Winding(), initial=SineGordonKink(charge=-1)
            ),
            ["'winding'", 'kind = "winding", number = -1'],
        ),
        (
            lambda: KleinGordon(potential=SineGordon(), boundary=Winding(), initial=TwoKink()),
            ["two_kink", "number = 2"],
        ),
        (
            lambda: KleinGordon(potential=SineGordon(), boundary=Winding(), initial=Breather()),
            ["'periodic'"],
        ),
        (
            lambda: KleinGordon(potential=Phi4(), boundary=Antiperiodic(), initial=KinkAntikink()),
            ["'periodic'"],
        ),
        (
            lambda: KleinGordon(potential=Phi4(), boundary=Antiperiodic(), initial=Gaussian()),
            ["'periodic'"],
        ),
        (
            lambda: KleinGordon(potential=Phi4(), boundary=Winding()),
            ["winding", "no period", "'antiperiodic'"],
        ),
        (lambda: KleinGordon(n=63, boundary=Antiperiodic()), ["n", "63", "even"]),
        (lambda: KleinGordon(initial=Breather()), ["initial", "'sine_gordon'"]),
        (
            lambda: KleinGordon(potential=DoubleSineGordon(), initial=TwoKink()),
            ["initial", "'sine_gordon'"],
        ),
        (
            lambda: KleinGordon(potential=SineGordon(), initial=KinkAntikink()),
            ["initial", "'phi4'"],
        ),
        (lambda: KleinGordon(dt=0.1, method="stormer_verlet"), ["dt", "0.1", "0.0746"]),
        (lambda: Phi4Kink(velocity=1.0), ["velocity", "1.0", "< 1"]),
        (lambda: Breather(frequency=1.2), ["frequency", "1.2", "< 1"]),
        (lambda: DoubleSineGordon(eta=-0.5), ["eta", "-0.5"]),
        (lambda: KleinGordon(n=64, initial=Sampled(phi=np.zeros(60))), ["initial.phi", "60", "64"]),
        (
            lambda: KleinGordon(potential=CustomPotential("nowhere.py:f")),
            ["potential.function", "nowhere.py"],
        ),
        (
            lambda: KleinGordon(potential=CustomPotential("f")),
            ["potential.function", "'f'", "path.py:function"],
        ),
        (
            lambda: KleinGordon(potential=CustomPotential(jnp.sum)),
            ["potential.function", "element by element"],
        ),
        (
            lambda: KleinGordon(potential=CustomPotential(jnp.cos, period=3.0)),
            ["potential.period", "3.0"],
        ),
        (
            lambda: KleinGordon(
                potential=CustomPotential(lambda phi: phi**3 + phi**4), boundary=Antiperiodic()
            ),
            ["boundary", "V(-phi)", "'periodic'"],
        ),
    ],
)
def test_refusals_say_what_was_given_and_what_is_allowed(make, words):
    with pytest.raises(ParameterError) as refusal:
        make()
    for word in words:
        assert word in str(refusal.value)


def test_every_parameter_says_what_it_is():
    parts = [Linear, Phi4, DoubleSineGordon, CustomPotential, Winding, Gaussian, PlaneWave, Sampled]
    for cls in [KleinGordon, *parts, Phi4Kink, KinkAntikink, SineGordonKink, Breather, TwoKink]:
        for declaration in declarations(cls).values():
            assert declaration.doc, (cls, declaration.name)


@pytest.mark.parametrize("n", [16, 18, 31])
@pytest.mark.parametrize("boundary", [Periodic(), Antiperiodic(), Winding(number=2)])
def test_modes_are_those_of_a_sum_over_all_points(boundary, n):
    if n % 2 and isinstance(boundary, Antiperiodic):
        pytest.skip("an odd number of points is refused")
    u = np.random.default_rng(0).normal(size=n)
    basis = boundary.basis((n,), (jnp.asarray(7.0),))
    waves = Waves(basis, SineGordon(), boundary, None, False)
    modes, k = waves.modes(jnp.asarray(u)), np.asarray(basis.wavenumbers().x.every)
    x = np.arange(n) * 7.0 / n
    by_hand = np.exp(-1j * np.outer(k, x)) @ u / n
    np.testing.assert_allclose(modes, by_hand, atol=1e-14)
    np.testing.assert_allclose(waves.field(modes), u, atol=1e-14)
    weights = basis.weights()
    assert np.sum(weights * np.abs(by_hand) ** 2) == pytest.approx(np.mean(u**2), rel=1e-13)
    np.testing.assert_allclose(
        np.real((weights * by_hand) @ np.exp(1j * np.outer(k, x))), u, atol=1e-13
    )


@pytest.mark.parametrize("sector", ["antiperiodic", "winding"])
def test_the_probe_sees_the_field_between_the_grid_points(sector):
    at = 1.2345
    parts = {
        "antiperiodic": dict(
            potential=Phi4(), boundary=Antiperiodic(), initial=Phi4Kink(velocity=0.3)
        ),
        "winding": dict(
            potential=SineGordon(), boundary=Winding(), initial=SineGordonKink(velocity=0.3)
        ),
    }[sector]
    solver = KleinGordon(n=512, probe=at, **parts)

    @eqx.filter_jit
    def both(solver):
        field = solver.initial.start(jnp.asarray([at]), jnp.asarray(0.0), solver._medium())
        return solver.observe(solver.init(jax.random.key(0))), field

    observed, (phi, phi_t) = both(solver)
    assert float(observed["phi_probe"]) == pytest.approx(float(phi[0]), abs=1e-9)
    assert float(observed["phi_t_probe"]) == pytest.approx(float(phi_t[0]), abs=1e-9)


def test_bounces_count_the_falls_through_zero_at_the_probe():
    solver = KleinGordon(
        n=64,
        length=20.0,
        dt=0.1,
        potential=Linear(mass=1.0),
        initial=PlaneWave(mode=1, amplitude=1.0),
    )
    omega = np.sqrt(1 + (2 * np.pi / 20) ** 2)
    for t in (1.0, 3.0, 7.0, 30.0):
        # cos(omega t) at x = 0 falls through zero at omega t = pi/2, 5 pi/2, ...
        expected = np.floor(omega * t / (2 * np.pi) + 0.75)
        assert int(advance(solver, round(t / 0.1)).bounces) == expected


@pytest.mark.slow
def test_a_potential_of_ones_own_is_as_good_as_a_built_in_one(tmp_path, monkeypatch):
    own = CustomPotential(lambda phi: 1 - jnp.cos(phi), period=2 * np.pi)
    initial = Sampled(phi=np.linspace(-3, 3, 64))
    mine, theirs = (
        advance(KleinGordon(n=64, boundary=Winding(), potential=potential, initial=initial), 20)
        for potential in (own, SineGordon())
    )
    np.testing.assert_allclose(mine.phi, theirs.phi, atol=1e-13)

    (tmp_path / "well.py").write_text("def well(phi):\n    return 0.25 * (phi**2 - 1) ** 2\n")
    (tmp_path / "own.toml").write_text("""
description = "a potential from a file"
[solver]
kind = "klein_gordon"
n = 64
potential = { kind = "custom", function = "well.py:well", vacuum = 1.0 }
boundary = "periodic"
initial = { kind = "gaussian", amplitude = 0.1 }
[run]
t_end = 1.0
save_every = 0.5
""")
    monkeypatch.chdir(tmp_path)
    from_file = load_experiment("own.toml")
    assert "well.py:well" in from_file.toml()
    phi = jnp.linspace(-2, 2, 9)
    for ours, built_in in ((from_file.solver.potential, Phi4()), (own, SineGordon())):
        np.testing.assert_allclose(ours(phi), built_in(phi), atol=1e-14)
        np.testing.assert_allclose(ours.slope(phi), built_in.slope(phi), atol=1e-14)
        assert float(ours.mass_squared()) == pytest.approx(
            float(built_in.mass_squared()), rel=1e-14
        )


def test_a_python_function_is_written_down_by_its_name_and_compared_by_itself():
    def one(phi):
        return phi**2

    def make():
        def one(phi):
            return phi**4

        return one

    first, same, other = CustomPotential(one), CustomPotential(one), CustomPotential(make())
    assert settings(first)["function"].endswith("one")
    assert first.function == same.function and hash(first.function) == hash(same.function)
    assert first.function != other.function
    assert float(CustomPotential(one).slope(jnp.asarray(3.0))) == 6


@pytest.mark.slow
@pytest.mark.parametrize("method", ["stormer_verlet", "strang", "dopri8"])
def test_single_precision_stays_single(method):
    def one(value):
        return jnp.asarray(value, jnp.float32)

    solver = KleinGordon(
        n=64,
        length=one(40.0),
        dt=one(0.05),
        method=method,
        rtol=one(1e-5),
        atol=one(1e-6),
        probe=one(0.0),
        potential=SineGordon(),
        boundary=Winding(),
        initial=SineGordonKink(position=one(0.0), velocity=one(0.5)),
    )
    state = advance(solver, 20)
    assert state.phi.dtype == state.phi_t.dtype == jnp.complex64
    values = {
        **solver.observe(state),
        **solver.invariants(state),
        **KleinGordon.exact(solver, state.t),
    }
    assert {value.dtype for name, value in values.items() if name != "bounces"} == {
        jnp.dtype("float32")
    }
    exact = KleinGordon.exact(solver, state.t)["phi"]
    assert np.max(np.abs(solver.observe(state)["phi"] - exact)) < (
        0.02 if method == "strang" else 2e-3
    )


@pytest.mark.slow
def test_one_value_per_member():
    """vmap over parameters, those of the parts included, gives what one member at a time gives."""

    def solver(length, coupling, velocity):
        return KleinGordon(
            n=64, length=length, potential=Phi4(coupling=coupling), boundary=Antiperiodic(),
            initial=Phi4Kink(velocity=velocity),
        )  # fmt: skip

    lengths, couplings, velocities = [30.0, 32.0], [1.0, 1.5], [0.2, -0.3]
    members = solver(lengths, couplings, velocities)
    axes = member_axes(members)
    assert axes.length == axes.potential.coupling == axes.initial.velocity == 0
    assert axes.dt is None

    def run(solver):
        return jax.lax.fori_loop(
            0, 10, lambda _, state: solver.step(state), solver.init(jax.random.key(0))
        ).phi

    together = eqx.filter_jit(eqx.filter_vmap(run, in_axes=(axes,)))(members)
    for index, values in enumerate(zip(lengths, couplings, velocities, strict=True)):
        assert np.max(np.abs(together[index] - advance(solver(*values), 10).phi)) < 1e-13


def test_gradients_equal_finite_differences():
    """By the mass in the linear part at 0, the length, the coupling and the velocity, through the
    mode at rest too.
    """

    @jax.jit
    def functional(parameters):
        mass, length, coupling, velocity = parameters
        solver = KleinGordon(
            n=32,
            length=length,
            dt=0.1,
            method="strang",
            linear_mass=mass,
            potential=Phi4(coupling=coupling),
            initial=KinkAntikink(separation=6.0, velocity=velocity),
        )
        state = solver.init(jax.random.key(0))
        state, _ = jax.lax.scan(lambda state, _: (solver.step(state), None), state, length=4)
        return jnp.sum(solver.observe(state)["phi"] ** 4)

    at = np.array([0.3, 15.0, 1.1, 0.4])
    derivative = jax.jit(jax.grad(functional))
    gradient = derivative(at)
    for index in range(4):
        small = 1e-5 * np.eye(4)[index]
        difference = float(functional(at + small) - functional(at - small)) / 2e-5
        assert gradient[index] == pytest.approx(difference, rel=1e-6, abs=1e-8)
    assert np.all(np.isfinite(derivative(np.array([0.0, 15.0, 1.1, 0.4]))))


@pytest.mark.slow
def test_a_run_folder_holds_series_and_fields_and_can_be_closed(tmp_path):
    solver = KleinGordon(n=64, potential=Phi4(), initial=KinkAntikink(velocity=[0.2, 0.3]))
    physent.run(
        solver,
        t_end=1.0,
        save_every=0.5,
        members=2,
        variables=["phi_probe", "bounces"],
        output=tmp_path / "run",
    )
    with physent.open_run(tmp_path / "run") as dataset:
        assert dataset.phi_probe.dims == ("t", "member") and "phi" not in dataset
        assert dataset.bounces.dtype.kind == "i"
        assert {"invariant_energy", "invariant_momentum", "invariant_topological_charge"} <= set(
            dataset
        )


def test_a_wrong_file_names_its_line(tmp_path):
    (tmp_path / "wrong.toml").write_text("""
[solver]
kind = "klein_gordon"
potential = "phi4"
boundary = "periodic"
initial = { kind = "phi4_kink", velocity = 0.1 }
[run]
t_end = 1.0
save_every = 0.5
""")
    with pytest.raises(ConfigError, match=r"wrong.toml:5: solver.boundary: .*'antiperiodic'"):
        load_experiment(tmp_path / "wrong.toml")
