"""Streaming entropies equal the array functions applied to everything seen so far."""

import numpy as np
import pytest
import xarray as xr

import physent
from physent import entropy as library
from physent.diagnostics import (
    DyeEntropy,
    HistogramEntropy,
    MutualInformation,
    NearestNeighbourEntropy,
    ParticleEntropy,
    PermutationEntropy,
    PotentialEnergy,
    PublishedQuantity,
    SampleEntropy,
    StatisticalComplexity,
)
from physent.registry import available

ROWS, NX, NZ = 12, 6, 5


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    grid = ("t", "x", "z")
    return xr.Dataset(
        {
            "density": (grid, rng.random((ROWS, NX, NZ))),
            "vorticity": (grid, rng.standard_normal((ROWS, NX, NZ))),
            "profile": (("t", "s"), rng.random((ROWS, 40))),
            "position": (("t", "particle", "component"), rng.random((ROWS, 30, 2))),
            "velocity": (("t", "particle", "component"), rng.standard_normal((ROWS, 30, 2))),
        },
        {
            "t": np.arange(ROWS),
            "x": np.arange(NX) * 0.5,
            "z": (np.arange(NZ) + 0.5) * 0.2,
            "s": np.arange(40) * 0.1,
        },
    )


CELLS = library.Cells(bins=(3, 3))
PHASE = library.Cells(bins=(2, 2, 4, 4), low=[0.0, 0.0, -4.0, -4.0], high=[1.0, 1.0, 4.0, 4.0])
DIAGNOSTICS = [
    PermutationEntropy(of="density", order=3, delay=2),
    PermutationEntropy(of="profile", order=3, pooled=False, name="local"),
    HistogramEntropy(of="vorticity", bins=8, low=-2.0, high=2.0),
    StatisticalComplexity(of="density", outcomes=library.SpatialOrdinal()),
    SampleEntropy(of="profile"),
    MutualInformation(of="density", other="vorticity", bins=4),
    MutualInformation(of="density", other="vorticity", method="ksg", k=3, name="nearest"),
    ParticleEntropy(of=("position",), outcomes=CELLS),
    ParticleEntropy(of=("position", "velocity"), outcomes=PHASE, estimator=library.PlugIn()),
    ParticleEntropy(of=("velocity",), outcomes=library.Headings(sectors=6), normalise=True),
    NearestNeighbourEntropy(of="position", period=[1.0, 1.0]),
    DyeEntropy(of="density"),
    PotentialEnergy(of="density", gravity=9.81),
    PublishedQuantity(of="profile", convention="amangkurat"),
    PublishedQuantity(of="density", quantity="complexity_index"),
    PublishedQuantity(of="density", quantity="mixing_proxy"),
]


@pytest.fixture(scope="module")
def result(dataset):
    return physent.diagnose(dataset, DIAGNOSTICS)


def test_ordinal_windows_fill_up(dataset, result):
    density = dataset.density.values.reshape(ROWS, -1).T
    pooled = result.permutation_density_entropy.values
    assert np.all(np.isnan(pooled[:4]))
    for row in (4, ROWS - 1):
        counts = library.Ordinal(order=3, delay=2).counts(density[:, : row + 1]).sum(axis=0)
        expected = library.entropy(counts, outcomes=library.Counts(), normalise=True)
        assert pooled[row] == pytest.approx(float(expected), rel=1e-12)
        complexity = float(library.jensen_shannon_complexity(counts / counts.sum()))
        assert float(result.permutation_density_complexity[row]) == pytest.approx(complexity, abs=1e-12)
    profile = dataset.profile.values.T
    assert result.local_entropy.dims == ("t", "s")
    local = library.entropy(profile, outcomes=library.Ordinal(order=3), normalise=True)
    np.testing.assert_allclose(result.local_entropy.values[-1], local, rtol=1e-12)


def test_histograms_fill_up(dataset, result):
    for row in (0, ROWS - 1):
        values = dataset.vorticity.values[: row + 1].ravel()
        expected = library.entropy(
            values, outcomes=library.Histogram(bins=8, low=-2.0, high=2.0), estimator=library.MillerMadow()
        )
        assert float(result.histogram_entropy_vorticity[row]) == pytest.approx(float(expected), rel=1e-12)


def test_quantities_of_one_time(dataset, result):
    row = 3
    density, vorticity = dataset.density.values[row], dataset.vorticity.values[row]
    profile, position = dataset.profile.values[row], dataset.position.values[row]
    energies = library.potential_energies(density, dataset.z.values, 9.81)
    p = library.SpatialOrdinal().probabilities(density)
    expected = {
        "statistical_complexity_density_spatial_ordinal": library.jensen_shannon_complexity(p),
        "sample_entropy_profile": library.sample_entropy(profile),
        "nearest": library.ksg_mutual_information(density.ravel(), vorticity.ravel(), k=3),
        "entropy_position_cells": library.entropy(position, outcomes=CELLS, estimator=library.Grassberger()),
        "entropy_position_velocity_cells": library.entropy(
            np.concatenate([position, dataset.velocity.values[row]], axis=-1), outcomes=PHASE
        ),
        "nearest_neighbour_entropy_position": library.nearest_neighbour_entropy(position, period=1.0),
        "dye_entropy_density": library.dye_entropy(density, (0.5, 0.2), axis=(0, 1)),
        "potential_energy_density_available": energies.available,
        "potential_energy_density_background": energies.background,
        "composite_entropy_profile": library.field_entropy(profile, 0.1, "composite", convention="amangkurat"),
        "complexity_index_density": library.complexity_index(density),
        "mixing_proxy_density": library.mixing_proxy(density, vorticity),
    }
    for name, value in expected.items():
        assert float(result[name][row]) == pytest.approx(float(value), rel=1e-10), name
    x, y = (library.bin_symbols(values.ravel(), 4) for values in (density, vorticity))
    information = library.discrete_mutual_information(x, y, (4, 4), library.MillerMadow())
    assert float(result.mutual_information_density_vorticity[row]) == pytest.approx(float(information), rel=1e-12)
    assert np.all((result.entropy_velocity_headings > 0.5) & (result.entropy_velocity_headings < 1.1))


@pytest.mark.parametrize(
    ("diagnostic", "message"),
    [
        (SampleEntropy(of="density"), "2 grid axes, sample entropy goes along one"),
        (MutualInformation(of="density", other="profile"), "live on different axes"),
        (ParticleEntropy(of=("profile",)), "does not hold particles and components"),
        (PotentialEnergy(of="profile"), "two grid axes"),
        (PublishedQuantity(of="profile", quantity="complexity_index"), "reads 2 grid axes"),
        (PublishedQuantity(of="density", quantity="mixing_proxy", other="curl"), "no observable or role 'curl'"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(dataset, diagnostic, message):
    with pytest.raises(ValueError, match=message):
        physent.diagnose(dataset, [diagnostic])


def test_every_diagnostic_is_registered():
    classes = set(available("diagnostics").values())
    assert {type(diagnostic) for diagnostic in DIAGNOSTICS} <= classes
