"""Vortices of a nonlinear Schroedinger field: found where they are, and moving as points do."""

import numpy as np
import pytest
from trajectory import advance, start

from physent.errors import ParameterError
from physent.solvers.nlse import NLSE, VortexStart, find_vortices

LENGTHS = (40.0, 40.0)
PAIR = np.array([[-3.0, -4.0], [-3.0, 4.0]])
DIPOLE = NLSE(
    n=(64, 64), length=40.0, dt=0.02, nonlinearity=-1.0, method="strang",
    initial=VortexStart(position=PAIR, charge=(1.0, -1.0)),
)  # fmt: skip


def images(distance, length, count=40):
    """The velocity of a dipole across its axis, between all its images on a square of this side:
    rows of vortices along x, each with coth of its distance.
    """
    rows = distance + length * np.arange(-count, count + 1)
    return np.sum(np.pi / length / np.tanh(np.pi * rows / length))


def test_vortices_are_found_where_they_were_put_and_leave_the_phase_periodic():
    psi = np.asarray(start(DIPOLE).psi)
    found = find_vortices(psi, LENGTHS)
    order = np.argsort(-found.charges)
    assert found.charges[order].tolist() == [1, -1]
    assert np.max(np.abs(found.places[order] - PAIR)) < 0.05
    steps = [np.angle(np.roll(psi, -1, axis) * np.conj(psi)) for axis in (0, 1)]
    far = np.abs(psi) ** 2 > 0.9
    assert max(np.max(np.abs(step[far])) for step in steps) < 0.5


def test_a_dipole_moves_as_its_points_with_their_images(record_number):
    places, times, state = [], [], advance(DIPOLE, 500)
    for _ in range(6):
        found = find_vortices(state.psi, LENGTHS)
        assert sorted(found.charges.tolist()) == [-1, 1]
        places.append(found.places[np.argsort(-found.charges)])
        times.append(float(state.t))
        state = advance(DIPOLE, 400, state)
    along_x, along_y = np.polyfit(times, np.mean(places, axis=1), 1)[0]
    distance = np.mean([each[1, 1] - each[0, 1] for each in places])
    assert abs(along_y) < 1e-3
    record_number(
        "speed of a vortex dipole, by that of points with their images",
        abs(along_x) / images(distance, 40.0), exact=1.0, within=0.01,
    )  # fmt: skip


def test_what_no_box_has_is_refused():
    with pytest.raises(ParameterError, match="given a sum that is not 0"):
        NLSE(n=(8, 8), nonlinearity=-1.0, initial=VortexStart(charge=(1.0, 1.0)))
    with pytest.raises(ParameterError, match="given vortices on 1 axes"):
        NLSE(n=8, nonlinearity=-1.0, initial="vortices")
