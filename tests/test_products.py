"""Products of matrices have all digits on every device, which JAX has to be asked for."""

import ast
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Heat, HeatState

from physent.engine.program import Program
from physent.engine.trajectory import trajectory
from physent.experiment.settings import ScoreSettings
from physent.learning.derivatives import exactly
from physent.learning.losses import Scales
from physent.learning.model import Score
from physent.learning.networks import NETWORKS
from physent.learning.training import advance, begin
from physent.score.flow import velocity
from physent.score.trained import build
from physent.solvers import ActiveMatter, KelvinHelmholtz, LinearLangevin

ROOT = Path(__file__).parents[1]
FILES = sorted((*(ROOT / "solvers").rglob("*.py"), *(ROOT / "physent/numerics").glob("*.py")))
PRODUCTS = {"matmul", "einsum", "dot", "vdot", "vecdot", "tensordot", "inner", "convolve"}
ON_HOST = {"solvers/active_matter/ring.py"}  # numpy alone


class Mixing(Heat):
    """Somebody's own solver, with a product as people write it."""

    def step(self, state):
        u = jnp.eye(state.u.shape[0]) @ state.u
        return HeatState(t=state.t + self.dt, u=u, key=state.key)


def products(function, *arguments):
    """The lines with products in the program of a function of arrays."""
    text = jax.jit(function).lower(*arguments).as_text()
    return [line for line in text.splitlines() if "dot_general" in line or "convolution" in line]


SOLVERS = {
    "walls": KelvinHelmholtz(nx=16, nz=16, walls="free_slip", forcing="stochastic"),
    "waves": KelvinHelmholtz(nx=16, nz=16, initial="forced"),
    "langevin": LinearLangevin(walkers=8),
}


@pytest.mark.parametrize("kind", SOLVERS)
def test_a_solver_asks_for_all_digits(kind):
    def both(key):
        solver = SOLVERS[kind]
        return solver.observe(solver.step(solver.init(key)))

    found = products(both, jax.random.key(0))
    assert found and all("precision = [HIGHEST, HIGHEST]" in line for line in found)


def test_so_does_a_run_of_a_solver_of_somebody_elses():
    solver = Mixing()
    state = solver.init(jax.random.key(0))
    step = Program(solver).per_member(lambda solver, state: solver.step(state).u)
    alone = products(lambda u: solver.step(HeatState(t=state.t, u=u, key=state.key)).u, state.u)
    (line,) = alone
    assert "DEFAULT" in line  # what JAX does by default
    found = products(
        lambda u: step(solver, HeatState(t=state.t, u=u, key=state.key)), state.u
    ) + products(lambda nu: trajectory(Mixing(nu=nu), 1)[0], np.asarray(0.1))
    assert len(found) == 2 and all("precision = [HIGHEST, HIGHEST]" in line for line in found)


@pytest.mark.parametrize("kind", NETWORKS)
def test_so_does_a_network(kind):
    """Where it is called, and with its derivatives."""
    if kind == "mlp":
        solver = LinearLangevin(walkers=1)
    else:
        solver = ActiveMatter(
            particles=8, initial="lattice", diffusivity=0.1 * (kind != "slow_manifold")
        )
    state = solver.init(jax.random.key(0))
    one = {name: getattr(state, name) for name in solver.parity()}
    samples = {name: jnp.stack([value] * 8) for name, value in one.items()}
    score = build(NETWORKS[kind](), "none", solver, samples, jax.random.key(0))
    found = products(lambda values: score(solver, solver.at(values)), one)
    assert found and all("precision = [HIGHEST, HIGHEST]" in line for line in found)


class Straight(Score):
    """Somebody's own network, with a product as people write it."""

    weight: jax.Array

    def __call__(self, system, state):
        return {"position": state.position @ self.weight}


def test_so_does_the_training_of_a_network_of_somebody_elses():
    solver, settings = LinearLangevin(walkers=1), ScoreSettings()
    values = {"position": jnp.ones((1, 2))}
    score = Straight(jnp.eye(2))
    assert "DEFAULT" in products(lambda x: score(solver, solver.at(x)), values)[0]
    objective = settings.loss.objective(solver, Scales(*(jnp.ones(()) for _ in range(3))))
    training = begin(score, settings, jax.random.key(0))
    batches = {"position": jnp.ones((1, 4, 1, 2))}
    first, count = jnp.asarray(0), jnp.asarray(1)
    several: Any = advance(settings, objective)
    text = several.lower(training, batches, first, count).as_text()
    lines = [line for line in text.splitlines() if "dot_general" in line]
    lines += products(lambda x: exactly(score, solver, solver.at(x)), values)
    lines += products(lambda x: velocity(score, solver, solver.at(x)), values)
    assert lines and all("precision = [HIGHEST, HIGHEST]" in line for line in lines)


def test_products_are_taken_from_one_place():
    found = set()
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            operator = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
            function = (
                isinstance(node, ast.Attribute)
                and ast.unparse(node.value) in ("jnp", "jax.numpy", "jax.lax", "lax")
                and (node.attr in PRODUCTS or node.attr.startswith(("dot_general", "conv_")))
            )
            if operator or function:
                found.add(str(path.relative_to(ROOT)))
    assert found == ON_HOST | {"physent/numerics/products.py"}
