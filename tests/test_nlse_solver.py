"""The NLSE solver as others see it: parameters and their refusals, precision, vmap, gradients,
observables, files.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import netCDF4
import numpy as np
import pytest
from trajectory import advance, start

from physent.errors import ParameterError
from physent.protocol.parameters import declarations, member_axes, settings
from physent.protocol.solver import Solver
from physent.solvers.nlse import (
    NLSE,
    Akhmediev,
    BoundState,
    FromFile,
    GaussianNoise,
    Harmonic,
    KuznetsovMa,
    Lattice,
    ModulatedSech,
    Peregrine,
    PlaneWave,
    SampledPotential,
    Soliton,
    Solitons,
)

METHODS = ["strang", "yoshida_4", "blanes_moan_4", "blanes_moan_6", "etdrk4", "dopri8"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: NLSE(dealias="exact", method="strang"),
            ["dealias", "'exact'", "'strang'", "etdrk4", "dopri8"],
        ),
        (lambda: NLSE(length=-1.0), ["length", "-1.0", "> 0"]),
        (lambda: NLSE(n=2), ["n", "2", ">= 4"]),
        (lambda: NLSE(dt=0.0), ["dt", "0.0", "> 0"]),
        (
            lambda: NLSE(initial=Akhmediev(a=0.375), length=50.0),
            ["length", "50.0", "multiple", "6.28", "50.26"],
        ),
        (lambda: Akhmediev(a=0.5), ["a", "0.5", "< 0.5"]),
        (
            lambda: NLSE(nonlinearity=-1.0, initial=Soliton()),
            ["initial", "dispersion * nonlinearity > 0"],
        ),
        (lambda: NLSE(dispersion=-0.5, initial=KuznetsovMa()), ["initial", "focusing"]),
        (
            lambda: NLSE(initial=Solitons(amplitude=[1.0, 2.0, 3.0])),
            ["initial.position", "2 numbers", "3"],
        ),
        (
            lambda: NLSE(n=64, potential=SampledPotential(values=[0.0] * 60)),
            ["potential.values", "60", "64"],
        ),
        (lambda: NLSE(initial=FromFile(path="nowhere.nc")), ["initial.path", "nowhere.nc"]),
    ],
)
def test_refusals_say_what_was_given_and_what_is_allowed(make, words):
    with pytest.raises(ParameterError) as refusal:
        make()
    for word in words:
        assert word in str(refusal.value)


def test_defocusing_media_take_plane_waves():
    solver = NLSE(
        n=64,
        nonlinearity=-1.0,
        initial=PlaneWave(perturbation="cosine", perturbation_amplitude=0.01),
    )
    assert np.all(np.isfinite(advance(solver, 10).psi))


def test_every_parameter_says_what_it_is():
    classes = [
        NLSE,
        Soliton,
        Solitons,
        BoundState,
        Akhmediev,
        Peregrine,
        KuznetsovMa,
        PlaneWave,
        ModulatedSech,
    ]
    for cls in [*classes, GaussianNoise, FromFile, Harmonic, Lattice, SampledPotential]:
        for declaration in declarations(cls).values():
            assert declaration.doc, (cls, declaration.name)


def test_settings_name_the_parts_by_their_kind():
    values = settings(NLSE(initial=Peregrine(), potential=Lattice(depth=0.5)))
    assert values["initial"]["kind"] == "peregrine"
    assert values["potential"] == {"kind": "lattice", "depth": 0.5, "periods": 1, "phase": 0.0}


def test_observables_are_as_declared():
    solver = NLSE(n=64, length=40.0, potential=Harmonic(frequency=0.1))
    assert isinstance(solver, Solver)
    observed, variables = solver.observe(start(solver)), solver.variables()
    assert (
        set(observed) == set(variables) == {"psi", "density", "phase", "energy_density", "current"}
    )
    assert {variable.role for variable in variables.values()} >= {"amplitude", "density"}
    for name, value in observed.items():
        assert variables[name].dims == ("x",)
        assert variables[name].long_name
        assert value.shape == (64,)
        assert jnp.iscomplexobj(value) == (name == "psi")
    axis = solver.domain()["x"]
    assert axis.periodic
    assert float(axis.spacing) == pytest.approx(40 / 64)
    assert float(axis.points[0]) == -20


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_stays_single(method):
    one = lambda value: jnp.asarray(value, jnp.float32)  # noqa: E731
    solver = NLSE(
        n=64,
        length=one(30.0),
        dt=one(0.01),
        dispersion=one(0.5),
        nonlinearity=one(1.0),
        method=method,
        rtol=one(1e-5),
        atol=one(1e-6),
        dealias="filter",
        potential=Lattice(depth=one(0.1), phase=one(0.0)),
        initial=Soliton(amplitude=one(1.0), position=one(0.0), velocity=one(0.5), phase=one(0.0)),
    )
    state = advance(solver, 20)
    assert state.psi.dtype == jnp.complex64
    assert state.t.dtype == jnp.float32
    values = {**solver.observe(state), **solver.invariants(state), **NLSE.exact(solver, state.t)}
    assert {value.dtype for value in values.values()} <= {
        jnp.dtype("float32"),
        jnp.dtype("complex64"),
    }
    assert np.all(np.isfinite(state.psi))


def test_single_precision_is_accurate_to_its_rounding():
    one = lambda value: jnp.asarray(value, jnp.float32)  # noqa: E731
    single = NLSE(
        n=128,
        method="strang",
        length=one(30.0),
        dt=one(0.01),
        dispersion=one(0.5),
        nonlinearity=one(1.0),
        initial=Soliton(amplitude=one(1.0), position=one(0.0), velocity=one(0.5), phase=one(0.0)),
    )
    double = NLSE(
        n=128, method="strang", length=30.0, dt=0.01, initial=Soliton(amplitude=1.0, velocity=0.5)
    )
    assert (
        np.max(np.abs(np.asarray(advance(single, 200).psi) - np.asarray(advance(double, 200).psi)))
        < 2e-4
    )


@pytest.mark.parametrize(
    "method", ["strang", "etdrk4", pytest.param("dopri8", marks=pytest.mark.slow)]
)
def test_one_value_per_member(method):
    """vmap over parameters, those of the parts included, gives what one member at a time gives."""

    def solver(length, dispersion, amplitude, velocity):
        return NLSE(
            n=64,
            length=length,
            dt=0.02,
            dispersion=dispersion,
            method=method,
            rtol=1e-8,
            atol=1e-9,
            initial=Soliton(amplitude=amplitude, velocity=velocity),
        )

    lengths, dispersions, amplitudes = [30.0, 32.0, 36.0], [0.5, 0.4, 0.6], [1.0, 1.2, 0.8]
    members = solver(lengths, dispersions, amplitudes, 0.3)
    axes = member_axes(members)
    assert axes.length == axes.initial.amplitude == 0
    assert axes.initial.velocity is None

    def run(solver):
        return jax.lax.fori_loop(
            0, 10, lambda _, state: solver.step(state), solver.init(jax.random.key(0))
        ).psi

    together = eqx.filter_jit(eqx.filter_vmap(run, in_axes=(axes,)))(members)
    for index, values in enumerate(zip(lengths, dispersions, amplitudes, strict=True)):
        alone = advance(solver(*values, 0.3), 10).psi
        assert np.max(np.abs(together[index] - alone)) < (1e-6 if method == "dopri8" else 1e-12)


def test_lists_of_solitons_may_be_given_per_member():
    solver = NLSE(
        n=64,
        length=40.0,
        initial=Solitons(
            amplitude=[[1.0, 0.8], [1.2, 0.7]], position=[-5.0, 5.0], velocity=[1.0, -1.0]
        ),
    )
    axes = member_axes(solver)
    assert axes.initial.amplitude == 0
    psi = eqx.filter_vmap(lambda solver: solver.init(jax.random.key(0)).psi, in_axes=(axes,))(
        solver
    )
    assert psi.shape == (2, 64)


@pytest.mark.parametrize(
    "method", ["strang", "etdrk4", pytest.param("dopri8", marks=pytest.mark.slow)]
)
def test_gradients_equal_finite_differences(method):
    """Of a functional after a short run, with respect to a coefficient and to a parameter of the
    initial condition.
    """

    @jax.jit
    def functional(parameters):
        nonlinearity, amplitude = parameters
        solver = NLSE(
            n=64,
            length=30.0,
            dt=0.05,
            nonlinearity=nonlinearity,
            method=method,
            rtol=1e-10,
            atol=1e-12,
            initial=Soliton(amplitude=amplitude, velocity=0.4),
        )
        state = solver.init(jax.random.key(0))
        state, _ = jax.lax.scan(lambda state, _: (solver.step(state), None), state, length=4)
        return jnp.sum(state.psi.real**4) + jnp.sum(
            state.psi.imag * jnp.cos(solver.domain()["x"].points)  # pyright: ignore[reportArgumentType]
        )

    at = np.array([1.1, 0.9])
    gradient = jax.jit(jax.grad(functional))(at)
    for index in range(2):
        small = 1e-5 * np.eye(2)[index]
        difference = (functional(at + small) - functional(at - small)) / 2e-5
        assert gradient[index] == pytest.approx(float(difference), rel=1e-6)


def test_gradient_by_the_length_and_the_step():
    def functional(length, dt):
        solver = NLSE(n=64, length=length, dt=dt, method="strang", initial=Soliton(velocity=0.4))
        state = solver.init(jax.random.key(0))
        return jnp.sum(solver.step(state).psi.real ** 4)

    gradient = jax.jit(jax.grad(functional, argnums=(0, 1)))(jnp.asarray(30.0), jnp.asarray(0.05))
    value = jax.jit(functional)
    by_length = (value(30.0 + 1e-5, 0.05) - value(30.0 - 1e-5, 0.05)) / 2e-5
    by_step = (value(30.0, 0.05 + 1e-6) - value(30.0, 0.05 - 1e-6)) / 2e-6
    assert gradient[0] == pytest.approx(float(by_length), rel=1e-5)
    assert gradient[1] == pytest.approx(float(by_step), rel=1e-5)


def test_a_new_value_does_not_compile_again():
    traces = []

    @eqx.filter_jit
    def step(solver, state):
        traces.append(solver.method)
        return solver.step(state)

    state = start(NLSE(n=64))
    for dt, length in ((0.01, 50.0), (0.02, 40.0)):
        step(NLSE(n=64, dt=dt, length=length), state)
    assert len(traces) == 1


def test_noise_comes_from_the_key_of_the_run_or_from_a_seed():
    def noise(initial, seed):
        return np.asarray(NLSE(n=64, initial=initial).init(jax.random.key(seed)).psi)

    assert not np.array_equal(noise(GaussianNoise(), 0), noise(GaussianNoise(), 1))
    assert np.array_equal(noise(GaussianNoise(seed=42), 0), noise(GaussianNoise(seed=42), 1))
    perturbed = PlaneWave(perturbation="noise", perturbation_amplitude=1e-3)
    assert np.std(np.abs(noise(perturbed, 0))) == pytest.approx(1e-3, rel=0.3)
    assert not np.array_equal(noise(perturbed, 0), noise(perturbed, 1))


def test_the_legacy_noise_is_that_of_numpy():
    generator = np.random.RandomState(42)
    xi, eta = generator.randn(512), generator.randn(512)
    x = np.linspace(-25, 25, 512, endpoint=False)
    psi = NLSE(initial=GaussianNoise(seed=42)).init(jax.random.key(0)).psi
    assert np.max(np.abs(psi - (np.exp(-(x**2) / 50) + 0.01 * (xi + 1j * eta)))) < 1e-15


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run.nc"
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createDimension("t", None)
        dataset.createDimension("x", 64)
        dataset.createDimension("member", 2)
        for name in ("psi_re", "psi_im"):
            dataset.createVariable(name, "f8", ("t", "x"))
            dataset.createVariable(f"many_{name}", "f8", ("t", "member", "x"))
        x = np.arange(64)
        for t in range(3):
            dataset["psi_re"][t], dataset["psi_im"][t] = x + t, x - t
            for member in range(2):
                dataset["many_psi_re"][t, member], dataset["many_psi_im"][t, member] = (
                    x * t,
                    x + member,
                )
        broken = dataset.createVariable("broken", "f8", ("x",))
        broken[:] = np.where(x == 3, np.nan, 1.0)
    return str(path)


def test_a_field_from_a_file(file):
    x = np.arange(64)
    key = jax.random.key(0)
    assert np.array_equal(
        NLSE(n=64, initial=FromFile(path=file)).init(key).psi, (x + 2) + 1j * (x - 2)
    )
    first = FromFile(path=file, index=0, variables=("psi_re",))
    assert np.array_equal(NLSE(n=64, initial=first).init(key).psi, x + 0j)
    member = FromFile(path=file, index=1, member=1, variables=("many_psi_re", "many_psi_im"))
    assert np.array_equal(NLSE(n=64, initial=member).init(key).psi, x + 1j * (x + 1))


@pytest.mark.parametrize(
    ("n", "changes", "words"),
    [
        (128, {}, ["(3, 64)", "n = 128"]),
        (64, {"variables": ("psi",)}, ["'psi'", "psi_re, psi_im"]),
        (64, {"index": 7}, ["initial.index", "7", "-3 to 2"]),
        (64, {"member": 2, "variables": ("many_psi_re",)}, ["initial.member", "2", "-2 to 1"]),
        (64, {"variables": ("broken",)}, ["'broken'", "not finite"]),
        (64, {"variables": ("psi_re", "psi_im", "psi_re")}, ["3 names", "1 or 2"]),
    ],
)
def test_a_file_that_does_not_fit_is_refused(file, n, changes, words):
    with pytest.raises(ParameterError) as refusal:
        NLSE(n=n, initial=FromFile(path=file, **changes))
    for word in words:
        assert word in str(refusal.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "text.nc"
    path.write_text("no NetCDF")
    with pytest.raises(ParameterError, match="cannot be read as NetCDF"):
        NLSE(n=64, initial=FromFile(path=str(path)))
