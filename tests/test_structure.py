"""Local density, clusters and hexatic order of small arrangements that can be counted by hand."""

import numpy as np
import xarray as xr

import physent
from physent.diagnostics import Clusters, HexaticOrder, LocalDensity


def diagnosed(position, *diagnostics):
    position = np.asarray(position, float)
    dataset = xr.Dataset({"position": (("t", "particle", "component"), position[None])}, {"t": [0.0]})
    return physent.diagnose(dataset, diagnostics).isel(t=0)


def test_few_particles_far_apart_are_no_neighbours():
    """With a slot for everybody a neighbour list holds everybody: distance decides."""
    free = {"period": [np.inf, np.inf]}
    ds = diagnosed(
        [[0, 0], [10, 0], [0, 10], [1, 0]], LocalDensity(radius=2.4, **free), Clusters(**free), HexaticOrder(**free)
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
