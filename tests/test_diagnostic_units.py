"""What a change of units does to every registered diagnostic: one table, one law for each output.

Three rows of the same data in units smaller and larger by a power of two, streamed in single
precision: what is not of the law, or not finite, was squared before it was scaled. A diagnostic
that is not in the table fails.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.entropy import Cells
from physent.protocol import registry
from physent.protocol.diagnostic import Observed
from physent.protocol.variables import Axis, Domain, Variable

ROWS, N = 4, 12


def same(a):
    return 1.0


def linear(a):
    return a


def square(a):
    return a**2


def log(value):
    """The summand of an entropy per component."""
    return lambda a: value * np.log(a)


def row(kind, law=same, plus=None, **options):
    """A diagnostic of that kind; how each of its outputs changes: by the factor of a law, or by a
    summand; an option that is a function depends on the units.
    """
    return kind, law, plus, options


def density_and_flow(a):
    """Two densities and a scalar on a periodic grid, which is not in those units, and a rate."""
    r = np.random.default_rng(5)
    values = {
        "density": a * (r.random((ROWS, 8, 6)) + 0.1),
        "vorticity": a * r.standard_normal((ROWS, 8, 6)),
        "profile": a * r.standard_normal((ROWS, 8)),
        "dissipation": a * (r.random(ROWS) + 0.1),
    }
    roles = dict.fromkeys(values, "scalar") | {"density": "density"}
    axes = [
        Axis("x", jnp.arange(8, dtype="f4"), jnp.float32(8), periodic=True),
        Axis("z", jnp.arange(6, dtype="f4") + 0.5, jnp.float32(6)),
    ]
    return values, roles, {3: ("x", "z"), 2: ("x",), 1: ()}, axes


def swimmers(a):
    """Positions in a periodic box, in those units, and headings."""
    r = np.random.default_rng(6)
    angle, position = r.uniform(0, 6.28, (ROWS, N)), r.uniform(0, 4.0, (ROWS, N, 2))
    values = {
        "position": a * position,
        "unwrapped_position": a * (position + 4.0 * r.integers(0, 3, position.shape)),
        "heading": np.stack([np.cos(angle), np.sin(angle)], axis=-1),
    }
    roles = {"position": "position", "unwrapped_position": "unwrapped", "heading": "heading"}
    axes = [Axis(name, length=jnp.float32(4 * a), periodic=True) for name in "xy"]
    return values, roles, {3: ("particle", "component")}, axes


def times(number):
    return lambda a: number * a


def boxes(a):
    return Cells(bins=(2, 2), low=jnp.zeros(2, "f4"), high=a * jnp.array([4.0, 4.0], "f4"))


OF_FIELDS = {
    "complexity": row("complexity", of="density"),
    "differential_entropy": row("differential_entropy", of="density"),
    "dye": row("dye_entropy", "a concentration has no unit", of="density"),
    "entropy": row("entropy", of="density"),
    "entropy of the spectrum": row("entropy", of="vorticity", outcomes="spectrum"),
    "histogram": row("histogram_entropy", of="vorticity", low=times(-3.0), high=times(3.0), bins=7),
    "mutual_information": row("mutual_information", of="density", other="vorticity"),
    "mutual_information of neighbours": row(
        "mutual_information", of="density", other="vorticity", method="ksg"
    ),
    "mixing_efficiency": row("mixing_efficiency", of="density", gravity=1.0),
    "patterns": row("permutation_entropy", of="vorticity"),
    "potential_energy": row("potential_energy", linear, of="density", gravity=1.0),
    "published": row("published", of="profile"),
    "regularity": row("regularity", of="profile"),
    "statistical_complexity": row("statistical_complexity", of="density"),
    "transfer_entropy": row("transfer_entropy", of="density", to="vorticity"),
    "transfer_entropy of bins": row(
        "transfer_entropy",
        of="density",
        to="vorticity",
        method="histogram",
        low=times(0.0),
        high=times(2.0),
        to_low=times(-3.0),
        to_high=times(3.0),
    ),
}
OF_SWIMMERS = {
    "boltzmann": row("boltzmann_entropy", plus=log(2), cells=boxes),
    "clusters": row("clusters", radius=times(0.7), slots=11),
    "hexatic_order": row("hexatic_order", radius=times(1.9), slots=11),
    "local_density": row("local_density", radius=times(1.5), slots=11, volume=lambda a: a**2),
    "mean_square_displacement": row("mean_square_displacement", {"kurtosis": same, "": square}),
    "nearest_neighbour_entropy": row(
        "nearest_neighbour_entropy", plus=log(2), period=lambda a: a * jnp.array([4.0, 4.0])
    ),
    "particle_entropy": row("particle_entropy", of=("position",), outcomes=boxes),
    "particle_map": row("particle_map", {"_number": same, "": linear}, of="position", bins=2),
    "radial_distribution": row("radial_distribution", radius=times(1.9), bins=4, slots=11),
    "school_entropy": row("school_entropy"),
    "school_dewi_kadita": row("school_dewi_kadita", "published, with absolute floors"),
    "structure_factor": row("structure_factor", modes=3),
    "velocity_correlation": row(
        "velocity_correlation",
        {"_distance": linear, "": same},
        edges=lambda a: a * jnp.array([0.0, 1.0, 1.9]),
        bins=5,
    ),
}
ELSEWHERE = {
    "entropy_production": "rates of a solver's drift and diffusion: test_entropy_properties",
    "learned_entropy_production": "a trained network has the units of its training",
    "error": "a difference from the exact solution of a solver, linear",
    "lyapunov": "the growth of perturbations of a solver, in units of its time alone",
}


# what an output may be is a square of lengths, which single precision holds up to 1e38
GROUPS = ((density_and_flow, "fields", 90), (swimmers, "swimmers", 40))
TABLES = {"fields": OF_FIELDS, "swimmers": OF_SWIMMERS}


@functools.partial(jax.jit, static_argnums=(0, 1))
def streamed(group, table, a):
    """The outputs of all diagnostics of a table in every row, in units smaller by a factor."""
    values, roles, dims, axes = group(a)
    variables = {
        name: Variable(dims[values[name].ndim], role, "1", name) for name, role in roles.items()
    }
    diagnostics = [
        registry.find("diagnostics", kind)(
            name=f"name_{i}", **{key: of(a) if callable(of) else of for key, of in options.items()}
        )
        for i, (kind, _, _, options) in enumerate(TABLES[table].values())
    ]

    def row(t):
        now = {name: jnp.asarray(value, "f4")[t] for name, value in values.items()}
        return Observed(now, variables, Domain(tuple(axes)), jnp.float32(t))

    def following(carries, t):
        found = [each(carry, row(t)) for each, carry in zip(diagnostics, carries, strict=True)]
        return [carry for carry, _ in found], [outputs for _, outputs in found]

    start = [each.init(row(0)) for each in diagnostics]
    return jax.lax.scan(following, start, jnp.arange(ROWS))[1]


def test_every_diagnostic_is_in_the_table():
    held = {kind for table in TABLES.values() for kind, *_ in table.values()}
    assert held | set(ELSEWHERE) == set(registry.available("diagnostics"))


@pytest.mark.parametrize(("group", "table", "power"), GROUPS)
def test_units_change_every_output_by_its_law(group, table, power):
    factors = (2.0**-power, 2.0**power)
    with jax.enable_x64(False):
        expected, *found = (streamed(group, table, np.float32(a)) for a in (1.0, *factors))
    for a, others in zip(factors, found, strict=True):
        for (name, (_, law, plus, _)), own, other in zip(
            TABLES[table].items(), expected, others, strict=True
        ):
            if isinstance(law, str):
                continue
            for output in own:
                laws = law if isinstance(law, dict) else {"": law}
                by = next(each for ending, each in laws.items() if output.endswith(ending))
                wanted = np.asarray(own[output], float) * by(a) + (plus(a) if plus else 0.0)
                size = np.nanmax(np.abs(wanted), initial=0.0)
                size = max(size, 1.0) if by is same else size  # logarithms of units that cancel
                np.testing.assert_allclose(
                    np.asarray(other[output], float),
                    wanted,
                    rtol=2e-5,
                    atol=2e-5 * size,
                    err_msg=f"{name}: {output} times {a}",
                )
