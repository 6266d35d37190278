"""One run on many devices: the same results, nothing gathered, and a sentence where it cannot
be.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from toys import Heat

import physent
from experiments.benchmarks.communication import exchanges
from physent.app import cli
from physent.engine.devices import problem
from physent.errors import ParameterError
from physent.solvers import (
    NLSE,
    ActiveMatter,
    KelvinHelmholtz,
    KleinGordon,
    KuramotoSivashinsky,
    NavierStokes2D,
)
from physent.solvers.kelvin_helmholtz import Mode, ShearLayer

CHECKS = Path(__file__).with_name("on_devices.py")
CASE = """
name = "wave"
[solver]
kind = "nlse"
n = 64
length = 20.0
[run]
t_end = 0.6
save_every = 0.1
snapshot_every = 0.3
"""


def on_four_devices(*names, bits=False):
    """What on_devices.py finds; where bits are compared, compiled as for a user: with the suite's
    quicker emitters sums may differ in a bit.
    """
    left_out = {"XLA_FLAGS", "JAX_DISABLE_MOST_OPTIMIZATIONS"} if bits else set()
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    result = subprocess.run(
        [sys.executable, CHECKS, *names], stdout=subprocess.PIPE, text=True, timeout=900, env=env
    )
    assert result.returncode == 0
    found: dict = {}
    for line in result.stdout.splitlines():
        found |= json.loads(line)
    return found


def test_transforms_of_slabs_are_numpys_with_one_exchange():
    found = on_four_devices("transforms")["transforms"]
    assert max(found["errors"].values()) < 1e-13
    lines = {"fft": 2, "ifft": 2}
    assert found["kinds"] == {name: ["all-to-all"] * lines.get(name, 1) for name in found["errors"]}
    assert found["plain"] == ["all-gather"]  # what jnp.fft does, and what the other tests would see


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_members_on_four_devices_are_bit_equal_and_silent():
    cases = [f"members:{name}" for name in ("heat", "kelvin_helmholtz", "active_matter", "couzin")]
    found = on_four_devices(*cases, "member_program", bits=True)
    assert found.pop("member_program") == {}
    assert found == {name: {"differ": [], "finite": True, "devices": 4} for name in cases}


@pytest.mark.slow
def test_a_field_in_four_slabs_is_the_same_and_never_gathered():
    for case, found in on_four_devices("cut:nlse", "cut:spectral", "cut:spectral_periodic").items():
        assert found["worst"] < 1e-12, case
        assert "all-to-all" in found["kinds"] and "all-gather" not in found["kinds"], case
        assert set(found["kinds"]) <= {"all-to-all", "all-reduce", "collective-permute"}, case


@pytest.mark.slow
def test_a_field_equation_in_four_slabs_is_the_same_and_never_gathered():
    names = ("2d", "walls", "walls_first", "3d", "complex")
    for case, found in on_four_devices(*(f"cut:field_{name}" for name in names)).items():
        assert found["worst"] < 1e-12, case
        assert "all-to-all" in found["kinds"] and "all-gather" not in found["kinds"], case


@pytest.mark.slow
def test_particles_on_four_devices_gather_their_positions_and_nothing_else():
    found = on_four_devices("cut:particles", "grown")
    assert found["grown"]["worst"] < 1e-12
    kinds = found["cut:particles"]["kinds"]
    assert found["cut:particles"]["worst"] < 1e-12
    assert set(kinds) == {"all-gather", "all-reduce"}
    assert kinds["all-gather"][1] == 64 * 2 * 8 and kinds["all-reduce"][1] < 100


@pytest.mark.slow
def test_a_run_on_four_devices_goes_on_with_two():
    found = on_four_devices("resumed")["resumed"]
    for kind in ("cut", "members"):
        assert found[kind]["reasons"] == ["interrupted", "done"] and found[kind]["devices"] == 2
    assert found["members"]["worst"] == 0 and found["cut"]["worst"] < 1e-12


@pytest.mark.slow
def test_two_processes_make_one_run(tmp_path):
    (tmp_path / "case.toml").write_text(CASE)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from physent.app.cli import main; main()",
        "run",
        str(tmp_path / "case.toml"),
    ]
    command += ["--set", "run.devices=all", "--output", str(tmp_path / "two"), "--distributed"]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    told = {
        "XLA_FLAGS": flags,
        "JAX_COORDINATOR_ADDRESS": f"localhost:{port}",
        "JAX_NUM_PROCESSES": "2",
    }

    def both():
        started = [
            subprocess.Popen(
                command, env=os.environ | told | {"JAX_PROCESS_ID": str(i)}, stderr=subprocess.PIPE
            )
            for i in range(2)
        ]
        errors = [process.communicate(timeout=600)[1].decode() for process in started]
        return [process.returncode for process in started], errors

    codes, errors = both()
    assert codes == [0, 0], errors
    with physent.open_run(tmp_path / "two") as two:
        one = physent.run(NLSE(n=64, length=20.0), t_end=0.6, save_every=0.1, snapshot_every=0.3)
        assert (
            two.attrs["devices"] == 4
            and two.attrs["processes"] == 2
            and two.attrs["status"] == "done"
        )
        for name in ("psi", "density", "current", "invariant_energy"):
            np.testing.assert_allclose(two[name].values, one[name].values, rtol=0, atol=1e-12)
    codes, errors = (
        both()
    )  # the folder is taken: the first process says so and the other one does not wait
    assert (
        codes == [2, 2]
        and "two exists: choose another" in errors[0]
        and "first process stopped" in errors[1]
    )


@pytest.mark.parametrize(
    ("solver", "members", "devices", "words"),
    [
        (Heat(), 6, 4, "6 members cannot be divided evenly among 4 devices, allowed: 1, 2, 3, 6"),
        (
            Heat(),
            1,
            2,
            "Heat cannot split one run over devices (members can be distributed), allowed: 1",
        ),
        (KleinGordon(), 1, 2, "KleinGordon cannot split one run"),
        (NLSE(n=64), 1, 3, "n = 64 is not a product of two multiples of 3, allowed: 1, 2, 4, 8"),
        (NLSE(n=64, method="dopri8"), 1, 2, "cannot be split"),
        (NLSE(n=64, method="etdrk4", dealias="exact"), 1, 2, "dealias = 'exact' cannot be split"),
        (KelvinHelmholtz(nx=32, nz=12), 1, 2, "method 'projection' cannot split one run"),
        (
            KelvinHelmholtz(nx=32, nz=12, method="spectral"),
            1,
            8,
            "nz = 12 is not a multiple of 8, allowed: 1, 2, 4",
        ),
        (
            KelvinHelmholtz(
                nx=4, nz=12, method="spectral", initial=ShearLayer(perturbation=Mode(m=1))
            ),
            1,
            4,
            "nx = 4 leaves fewer than two cells for each of 4 devices, allowed: 1, 2",
        ),
        (KuramotoSivashinsky(), 1, 2, "a field on one axis cannot be split"),
        (NavierStokes2D(n=(12, 18)), 1, 4, "4 does not divide the 18 points along y, allowed: 1"),
        (NavierStokes2D(dealias="exact"), 1, 2, "dealias = 'exact' cannot be split"),
        (
            ActiveMatter(particles=10),
            1,
            4,
            "10 particles cannot be divided evenly among 4 devices, allowed: 1, 2, 5, 10",
        ),
    ],
)
def test_what_cannot_be_spread_is_refused_with_what_could_be(solver, members, devices, words):
    assert words in problem(solver, members, devices)


def test_devices_that_are_not_there_or_no_number_are_refused(tmp_path, capsys):
    with pytest.raises(ParameterError, match=r"run\.devices: given 512, but there"):
        physent.run(Heat(), t_end=1.0, save_every=0.1, members=512, devices=512)
    with pytest.raises(ParameterError, match="given 'two', allowed: 'all' or an integer >= 1"):
        physent.run(Heat(), t_end=1.0, save_every=0.1, devices="two")  # pyright: ignore[reportArgumentType]
    (tmp_path / "case.toml").write_text(CASE)

    def validated(devices):
        command = ["validate", str(tmp_path / "case.toml"), "--set", f"run.devices={devices}"]
        return cli.app(command, exit_on_error=False, print_error=False), capsys.readouterr().err

    assert validated("all")[0] == 0 and validated(4)[0] == 0
    for devices, words in (
        (0, "allowed: 'all' or an integer >= 1"),
        ("al", "did you mean all"),
        (3, "1, 2, 4, 8"),
    ):
        code, error = validated(devices)
        assert code == 2 and "run.devices: given" in error and words in error


def test_exchanges_are_read_from_a_program():
    class Compiled:
        def as_text(self):
            return """
              %a = c128[2,16]{1,0} all-to-all(%x), channel_id=1
              %b = (f64[2]{0}, f64[8]{0}) all-gather-start(%y), dimensions={0}
              %c = f64[8]{0} all-gather-done(%b)
              %d = pred[] all-reduce(%z), to_apply=%sum
            """

    assert exchanges(Compiled()) == [("all-to-all", 512), ("all-gather", 64), ("all-reduce", 1)]
