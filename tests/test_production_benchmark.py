"""The tasks of the benchmark of entropy production, and what measures a callable."""

import numpy as np
import pytest

from physent.errors import ParameterError
from physent.production import benchmark, estimate
from physent.production.frozen import DIGESTS

QUICK = ("gyrator_short", "rotation_noise", "ratchet_hidden", "four_states_short", "inertial_short")


def test_there_are_thirty_tasks_and_more_with_exact_truth():
    tasks = list(benchmark.tasks())
    assert len(tasks) >= 30 and len({task.name for task in tasks}) == len(tasks)
    families = {task.family for task in tasks}
    assert families == set(benchmark.FAMILIES) and len(families) >= 12
    assert {task.variant for task in tasks} == set(benchmark.VARIANTS)
    for task in tasks:
        assert np.isfinite(task.rate) and task.rate > 0 and task.dt > 0
    assert set(DIGESTS) == {task.name for task in tasks}


@pytest.mark.parametrize("name", QUICK)
def test_tasks_are_frozen_by_their_seed(name):
    (task,) = benchmark.tasks(name)
    x = task.sample(0)
    assert task.digest() == DIGESTS[name]
    np.testing.assert_array_equal(x, task.sample(0))
    assert not np.array_equal(x, task.sample(1))


def test_what_is_seen_fits_its_period_and_its_parity():
    (task,) = benchmark.tasks("active_brownian_hidden")
    assert task.period is not None and task.period.shape == (2,)
    (task,) = benchmark.tasks("inertial_hidden")
    assert task.sample(0).shape[-1] == 2 and task.parity is not None and task.parity.sum() == 2
    (coarse,) = benchmark.tasks("inertial_coarse")
    assert coarse.dt == pytest.approx(10 * task.dt)


def test_any_callable_is_measured():
    def mine(x, dt):
        if x.dtype.kind == "i":
            raise TypeError("no states")
        return 1.0, 0.1

    found = list(benchmark.measured(mine, ["gyrator_short", "four_states_short"], seeds=2))
    assert [each.seed for each in found] == [0, 1, 0, 1]
    assert found[0].rate == 1 and found[0].low == pytest.approx(1 - 0.196) and not found[0].failed
    assert found[2].failed == "TypeError: no states" and np.isnan(found[2].rate)

    def ours(x, dt, **words):
        table = estimate(x, dt, **words)
        row = table.sel(estimator=table.attrs["recommended"])
        return [float(row[name]) for name in ("rate", "standard_error", "low", "high")]

    (result,) = benchmark.measured(ours, "inertial_short", whole=True)
    assert abs(result.rate - result.truth) < 4 * result.standard_error and result.seconds > 0
    with pytest.raises(ParameterError, match="unknown 'gyrater', did you mean gyrator"):
        list(benchmark.tasks("gyrater"))
