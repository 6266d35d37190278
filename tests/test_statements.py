"""What a field equation cannot mean is said in a sentence."""

import numpy as np
import pytest
from equations import KortewegDeVries, Waves

import physent
from physent import Variable
from physent.solvers import KuramotoSivashinsky


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (5, "given 5, allowed: a mapping"),
        ({"n": 64.5}, r"n: given 64.5, allowed: an integer"),
        ({"length": "a"}, "length: given 'a', allowed: a number > 0"),
        ({"initial": "randm"}, "initial: given 'randm', did you mean random"),
    ],
)
def test_wrong_defaults_are_refused_where_the_class_is_made(given, words):
    with pytest.raises(TypeError, match=f"Wrong.defaults: {words}"):
        type("Wrong", (KortewegDeVries,), {"defaults": given})


class Doubled(KortewegDeVries):
    def derived(self, f):
        return {"u": (Variable(), 2 * f.u)}


@pytest.mark.parametrize(
    ("solver", "words"),
    [
        (lambda: Doubled(n=16), "Doubled.derived.. names 'u', which is an unknown"),
        (lambda: Waves(n=16, method="dopri8"), "'dopri8' takes a multiplier for each unknown"),
        (lambda: KortewegDeVries(n=16, initial=np.zeros((3, 16))), "solver.initial: given 3"),
        (lambda: KortewegDeVries(n=16, boundary="walls"), "or boundary = 'periodic'"),
    ],
)
def test_a_statement_that_cannot_be_solved_is_refused(solver, words):
    with pytest.raises(ValueError, match=words):
        physent.run(solver(), t_end=0.02, save_every=0.01)


def test_an_implicit_step_over_growing_waves_is_doubted():
    long = KuramotoSivashinsky(n=16, dt=5.0, method="imex_rk3")
    assert "waves grow at the rate 0.2" in str(long.doubtful_dt())
    assert KuramotoSivashinsky(n=16, dt=0.1, method="imex_rk3").doubtful_dt() is None
