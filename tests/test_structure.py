"""Local density, clusters and hexatic order of small arrangements that can be counted by hand."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import physent
from physent.diagnostics import (
    Clusters,
    HexaticOrder,
    LocalDensity,
    ParticleMap,
    RadialDistribution,
    StructureFactor,
)
from physent.solvers.active_matter import ActiveMatter, NoForce


def diagnosed(position, *diagnostics):
    position = np.asarray(position, float)
    dataset = xr.Dataset(
        {"position": (("t", "particle", "component"), position[None])}, {"t": [0.0]}
    )
    return physent.diagnose(dataset, diagnostics).isel(t=0)


def test_few_particles_far_apart_are_no_neighbours():
    """With a slot for everybody a neighbour list holds everybody: distance decides."""
    free: dict[str, Any] = {"period": [np.inf, np.inf]}
    ds = diagnosed(
        [[0, 0], [10, 0], [0, 10], [1, 0]],
        LocalDensity(radius=2.4, **free),
        Clusters(**free),
        HexaticOrder(**free),
    )
    area = np.pi * 2.4**2
    np.testing.assert_allclose(np.asarray(ds.local_density) * area, [2, 1, 1, 2])
    assert float(ds.clusters_number) == 3 and float(ds.clusters_largest) == 0.5


def test_a_hexagon_has_hexatic_order_and_a_square_none():
    angles = np.arange(6) * np.pi / 3
    hexagon = np.concatenate([[[0.0, 0.0]], 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)])
    ds = diagnosed(hexagon, HexaticOrder(period=[np.inf, np.inf]))
    assert abs(float(ds.hexatic_order[0]) - 1) < 1e-12
    cross = [[0, 0], [2, 0], [0, 2], [-2, 0], [0, -2]]
    ds = diagnosed(cross, HexaticOrder(period=[np.inf, np.inf]))
    assert abs(float(ds.hexatic_order[0])) < 1e-12


def triangular(columns, rows, spacing=1.0):
    """A triangular lattice in its periodic box: columns x rows places, rows even."""
    i, j = np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
    position = np.stack(
        [(i + 0.5 * (j % 2)) * spacing, j * spacing * np.sqrt(3) / 2], axis=-1
    ).reshape(-1, 2)
    return position, [columns * spacing, rows * spacing * np.sqrt(3) / 2]


def test_a_triangular_lattice_in_its_box():
    """psi_6 = 1 everywhere, and pairs at 1, sqrt 3, 2, sqrt 7: 6, 6, 6 and 12 of each particle."""
    position, box = triangular(12, 14)
    n, radius, bins = len(position), 2.8, 28
    ds = diagnosed(
        position,
        HexaticOrder(radius=1.3, period=box),
        RadialDistribution(radius=radius, bins=bins, period=box),
        LocalDensity(radius=1.1, period=box),
        Clusters(radius=1.1, period=box),
    )
    np.testing.assert_allclose(ds.hexatic_order, 1, atol=1e-12)
    assert abs(float(ds.hexatic_order_global) - 1) < 1e-12
    np.testing.assert_allclose(ds.local_density * np.pi * 1.1**2, 7)
    assert float(ds.clusters_number) == 1 and float(ds.clusters_mean_size) == n
    edges = np.linspace(0, radius, bins + 1)
    ring = np.pi * (edges[1:] ** 2 - edges[:-1] ** 2) * (n - 1) / np.prod(box)
    shells = (
        np.repeat([1.0, np.sqrt(3), 2.0, np.sqrt(7)], [6, 6, 6, 12]) + 1e-9
    )  # 1 and 2 are edges of bins
    # an edge may go to either side by rounding: pairs of bins next to it are compared
    counted, expected = np.asarray(ds.radial_distribution) * ring, np.histogram(shells, edges)[0]
    np.testing.assert_allclose(counted.sum(), 30, rtol=1e-12)
    for distance, number in ((1.0, 6), (np.sqrt(3), 6), (2.0, 6), (np.sqrt(7), 12)):
        near = np.abs((edges[1:] + edges[:-1]) / 2 - distance) < 0.11
        np.testing.assert_allclose(counted[near].sum(), number, rtol=1e-12)
    assert expected.sum() == 30


def test_the_structure_factor_of_a_lattice_is_its_bragg_peaks():
    """Square lattice, 8 x 8: N at multiples of 8 waves an edge, exactly 0 elsewhere; in a box twice
    as long, too.
    """
    for columns in (8, 16):
        i, j = np.meshgrid(np.arange(columns), np.arange(8), indexing="ij")
        lattice = np.stack([i, j], axis=-1).reshape(-1, 2) + 0.3
        n, modes = len(lattice), columns + 2
        ds = diagnosed(lattice, StructureFactor(modes=modes, period=[float(columns), 8.0]))
        # shells by |k| L/(2 pi) with L the longest edge: m along the first, (columns/8) m along the
        # second
        k = np.arange(-modes, modes + 1)
        size = np.hypot(k[:, None], columns / 8 * k[None, :])
        peak = ((k[:, None] % columns == 0) & (k[None, :] % 8 == 0)) * n
        shell = np.rint(size).astype(int)
        expected = [peak[shell == m].mean() for m in range(1, modes + 1)]
        np.testing.assert_allclose(ds.structure_factor, expected, atol=1e-9)
        assert expected[columns - 1] > 0 and not any(expected[: columns - 1])


def test_an_ideal_gas_has_neither_order_nor_structure():
    """g(r) = 1 and S(k) = 1 within four standard errors, in a box that is not square; means of
    psi_6 are small.
    """
    rng, box, rows, n = np.random.default_rng(0), [30.0, 20.0], 12, 600
    position = rng.uniform(0, 1, (rows, n, 2)) * np.asarray(box)
    dataset = xr.Dataset(
        {"position": (("t", "particle", "component"), position)}, {"t": np.arange(float(rows))}
    )
    radius = RadialDistribution(radius=4.0, bins=8, slots=100, period=box)
    ds = physent.diagnose(dataset, [radius, StructureFactor(modes=6, period=box)]).isel(t=-1)
    edges = np.linspace(0, 4, 9)
    pairs = rows * n * (n - 1) / 2 * np.pi * (edges[1:] ** 2 - edges[:-1] ** 2) / np.prod(box)
    assert np.all(np.abs(ds.radial_distribution.values - 1) < 4 / np.sqrt(pairs))
    # power is exponential, one value for k and -k
    k = np.arange(-6, 7)
    shell = np.rint(np.hypot(k[:, None], 1.5 * k[None, :]))
    modes = np.asarray([np.sum(shell == m) / 2 for m in range(1, 7)])
    assert np.all(np.abs(ds.structure_factor.values - 1) < 4 / np.sqrt(rows * modes))


def test_a_radius_beyond_half_the_box_is_refused():
    """Shells there are not whole: g(r) of an ideal gas fell below 1."""
    with pytest.raises(
        ValueError, match="radius: given 6, allowed: up to half the shortest edge, 5"
    ):
        diagnosed(np.zeros((3, 2)), RadialDistribution(radius=6.0, period=[30.0, 10.0]))


def test_a_map_says_who_is_where_and_how_fast():
    solver = ActiveMatter(particles=300, force=NoForce(), length=10.0, speed=0.5, dt=0.1)
    ds = physent.run(
        solver, t_end=0.4, save_every=0.1, diagnostics=[ParticleMap(bins=4, after=0.15)],
        variables=["position", "velocity"],
    )  # fmt: skip
    x, v = ds.position.values[2:] % 10, np.linalg.norm(ds.velocity.values[2:], axis=-1)
    edges = np.linspace(0, 10, 5)
    flat = x.reshape(-1, 2).T
    number, *_ = np.histogram2d(*flat, bins=[edges, edges])
    total, *_ = np.histogram2d(*flat, bins=[edges, edges], weights=v.ravel())
    np.testing.assert_allclose(ds.velocity_map_number[-1], number / 3, rtol=1e-12)
    np.testing.assert_allclose(ds.velocity_map[-1], total / number, rtol=1e-12)
    assert np.all(ds.velocity_map_number[0] == 0)
    np.testing.assert_allclose(ds.velocity_map_x, [1.25, 3.75, 6.25, 8.75])


def test_what_is_measured_by_distance_has_its_distance():
    """r and |k| are coordinates of a run, per member where the boxes of members differ, and of a
    diagnosed file.
    """
    measured = [RadialDistribution(radius=2.0, bins=4), StructureFactor(modes=3)]
    solver = ActiveMatter(particles=20, force=NoForce(), length=[10.0, 20.0], dt=0.1)
    ds = physent.run(
        solver, t_end=0.1, save_every=0.1, members=2, diagnostics=measured, variables=["position"]
    )
    np.testing.assert_allclose(ds.radial_distribution_r, [0.25, 0.75, 1.25, 1.75])
    k = ds.structure_factor_shell_of_member
    np.testing.assert_allclose(k, 2 * np.pi * np.arange(1, 4) / [[10.0], [20.0]])
    assert k.dims == ("member", "structure_factor_shell") and k.units == "1/length"
    file = diagnosed(np.zeros((3, 2)), RadialDistribution(radius=2.0, bins=2, period=[8.0, 9.0]))
    np.testing.assert_allclose(file.radial_distribution_r, [0.5, 1.5])
