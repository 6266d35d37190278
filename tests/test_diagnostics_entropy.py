"""Streaming entropies equal the array functions applied to everything seen so far."""

import numpy as np
import pytest
import xarray as xr

import physent
from physent import entropy as library
from physent.diagnostics import (
    BoltzmannEntropy,
    DyeEntropy,
    HistogramEntropy,
    MutualInformation,
    NearestNeighbourEntropy,
    ParticleEntropy,
    PermutationEntropy,
    PotentialEnergy,
    PublishedQuantity,
    Regularity,
    StatisticalComplexity,
    TransferEntropy,
)
from physent.diagnostics.regularity import (
    ApproximateEntropy,
    LempelZiv,
    MultiscaleEntropy,
    SVDEntropy,
)
from physent.protocol.diagnostic import Instantaneous
from physent.protocol.parameters import static
from physent.protocol.registry import available
from physent.protocol.variables import Variable

ROWS, NX, NZ = 12, 6, 5


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    grid = ("t", "x", "z")
    return xr.Dataset(
        {
            "density": (grid, rng.random((ROWS, NX, NZ))),
            "dye": (grid, rng.random((ROWS, NX, NZ))),
            "series": (("t",), rng.standard_normal(ROWS)),
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
    Regularity(of="profile"),
    Regularity(of="profile", measure=ApproximateEntropy(order=1)),
    Regularity(of="profile", measure=MultiscaleEntropy(scales=(1, 3), order=1)),
    Regularity(of="profile", measure=LempelZiv()),
    Regularity(of="profile", measure=SVDEntropy(order=4)),
    Regularity(of="series", measure=SVDEntropy(), window=6),
    Regularity(of="profile", measure=LempelZiv(normalise=False), window=10, name="words"),
    TransferEntropy(of="density", to="vorticity", history=2, delay=3),
    TransferEntropy(
        of="density",
        to="vorticity",
        method="histogram",
        bins=3,
        low=0.1,
        high=0.9,
        to_low=-1.0,
        to_high=1.0,
        name="flow",
    ),
    BoltzmannEntropy(velocity="velocity", cells=PHASE),
    BoltzmannEntropy(cells=CELLS, name="boltzmann"),
    MutualInformation(of="density", other="vorticity", bins=4),
    MutualInformation(of="density", other="vorticity", method="ksg", k=3, name="nearest"),
    MutualInformation(of="density", other="vorticity", given="dye", bins=3),
    MutualInformation(
        of="density", other="vorticity", given="dye", method="ksg", k=3, name="nearest_given"
    ),
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


@pytest.mark.slow
def test_ordinal_windows_fill_up(dataset, result):
    density = dataset.density.values.reshape(ROWS, -1).T
    pooled = result.permutation_density_entropy.values
    assert np.all(np.isnan(pooled[:4]))
    for row in (4, ROWS - 1):
        counts = library.Ordinal(order=3, delay=2).counts(density[:, : row + 1]).sum(axis=0)
        expected = library.entropy(counts, outcomes=library.Counts(), normalise=True)
        assert pooled[row] == pytest.approx(float(expected), rel=1e-12)
        complexity = float(library.jensen_shannon_complexity(counts / counts.sum()))
        assert float(result.permutation_density_complexity[row]) == pytest.approx(
            complexity, abs=1e-12
        )
    profile = dataset.profile.values.T
    assert result.local_entropy.dims == ("t", "s")
    local = library.entropy(profile, outcomes=library.Ordinal(order=3), normalise=True)
    np.testing.assert_allclose(result.local_entropy.values[-1], local, rtol=1e-12)


@pytest.mark.slow
def test_histograms_fill_up(dataset, result):
    for row in (0, ROWS - 1):
        values = dataset.vorticity.values[: row + 1].ravel()
        expected = library.entropy(
            values,
            outcomes=library.Histogram(bins=8, low=-2.0, high=2.0),
            estimator=library.MillerMadow(),
        )
        assert float(result.histogram_entropy_vorticity[row]) == pytest.approx(
            float(expected), rel=1e-12
        )


@pytest.mark.slow
def test_quantities_of_one_time(dataset, result):
    row = 3
    density, vorticity = dataset.density.values[row], dataset.vorticity.values[row]
    profile, position = dataset.profile.values[row], dataset.position.values[row]
    energies = library.potential_energies(density, dataset.z.values, 9.81)
    p = library.SpatialOrdinal().probabilities(density)
    expected = {
        "statistical_complexity_density_spatial_ordinal": library.jensen_shannon_complexity(p),
        "sample_entropy_profile": library.sample_entropy(profile),
        "approximate_entropy_profile": library.approximate_entropy(profile, 1),
        "multiscale_entropy_profile_scale_3": library.multiscale_entropy(profile, (3,), 1)[0],
        "lempel_ziv_profile": library.lempel_ziv_complexity(profile > np.median(profile), True, 2),
        "svd_entropy_profile": library.svd_entropy(profile, 4),
        "boltzmann_entropy_position": library.boltzmann_entropy(
            position, PHASE, dataset.velocity.values[row]
        ),
        "boltzmann": library.boltzmann_entropy(position, CELLS),
        "nearest_given": library.ksg_conditional_mutual_information(
            *(dataset[name].values[row].reshape(-1, 1) for name in ("density", "vorticity", "dye")),
            k=3,
        ),
        "nearest": library.ksg_mutual_information(density.ravel(), vorticity.ravel(), k=3),
        "entropy_position_cells": library.entropy(
            position, outcomes=CELLS, estimator=library.Grassberger()
        ),
        "entropy_position_velocity_cells": library.entropy(
            np.concatenate([position, dataset.velocity.values[row]], axis=-1), outcomes=PHASE
        ),
        "nearest_neighbour_entropy_position": library.nearest_neighbour_entropy(
            position, period=1.0
        ),
        "dye_entropy_density": library.dye_entropy(density, (0.5, 0.2), axis=(0, 1)),
        "potential_energy_density_available": energies.available,
        "potential_energy_density_background": energies.background,
        "composite_entropy_profile": library.field_entropy(
            profile, 0.1, "composite", convention="amangkurat"
        ),
        "complexity_index_density": library.complexity_index(density),
        "mixing_proxy_density": library.mixing_proxy(density, vorticity),
    }
    for name, value in expected.items():
        assert float(result[name][row]) == pytest.approx(float(value), rel=1e-10), name
    x, y = (library.bin_symbols(values.ravel(), 4) for values in (density, vorticity))
    information = library.discrete_mutual_information(x, y, (4, 4), library.MillerMadow())
    assert float(result.mutual_information_density_vorticity[row]) == pytest.approx(
        float(information), rel=1e-12
    )
    symbols = [
        library.bin_symbols(dataset[name].values[row].ravel(), 3)
        for name in ("density", "vorticity", "dye")
    ]
    information = library.discrete_conditional_mutual_information(
        *symbols,
        (3, 3, 3),  # pyright: ignore[reportCallIssue]
        library.MillerMadow(),  # pyright: ignore[reportCallIssue]
    )
    given = result.mutual_information_density_vorticity_given_dye
    assert float(given[row]) == pytest.approx(float(information), rel=1e-12)
    assert np.all(
        (result.entropy_velocity_headings > 0.5) & (result.entropy_velocity_headings < 1.1)
    )


@pytest.mark.slow
def test_windows_in_time_slide(dataset, result):
    series = result.svd_entropy_series.values
    assert np.all(np.isnan(series[:5]))
    for row in (5, ROWS - 1):
        expected = library.svd_entropy(dataset.series.values[row - 5 : row + 1])
        assert series[row] == pytest.approx(float(expected), rel=1e-12)
    assert result.words.dims == ("t", "s")
    assert np.all(np.isnan(result.words.values[:9]))
    last = dataset.profile.values[-10:].T
    above = last > np.median(last, axis=1, keepdims=True)
    np.testing.assert_array_equal(result.words.values[-1], library.lempel_ziv_complexity(above))


@pytest.mark.slow
def test_transfer_entropy_is_that_of_everything_so_far(dataset, result):
    """The pasts of all grid points, pooled: the same as one long list of presents with their
    pasts.
    """
    x, y = (dataset[name].values.reshape(ROWS, -1) for name in ("density", "vorticity"))
    linear, flow = result.transfer_entropy_density_to_vorticity.values, result.flow.values
    assert np.all(np.isnan(linear[:4]))
    assert np.all(np.isnan(flow[:1]))
    for row in (5, ROWS - 1):
        times = range(4, row + 1)
        groups = [[y[t] for t in times]]
        groups += [[x[t - 3 - i] for t in times] for i in (0, 1)] + [
            [y[t - 1 - i] for t in times] for i in (0, 1)
        ]
        covariance = np.cov([np.concatenate(group) for group in groups])
        assert linear[row] == pytest.approx(
            float(library.gaussian_information(covariance, [0], [1, 2], [3, 4])), rel=1e-9
        )
        times = range(1, row + 1)
        present, own = (np.concatenate([y[t - i] for t in times]) for i in (0, 1))
        other = np.concatenate([x[t - 1] for t in times])
        symbols = [
            library.bin_symbols(present, 3, -1.0, 1.0),
            library.bin_symbols(other, 3, 0.1, 0.9),
        ]
        symbols.append(library.bin_symbols(own, 3, -1.0, 1.0))
        expected = library.discrete_conditional_mutual_information(
            *symbols,
            (3, 3, 3),  # pyright: ignore[reportCallIssue]
            library.MillerMadow(),  # pyright: ignore[reportCallIssue]
        )
        assert flow[row] == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


def test_streamed_transfer_entropy_finds_the_direction():
    """x drives y: T(x -> y) = .181395, T(y -> x) = 0 (REFERENCE, entropy, transfer entropy)."""
    rng = np.random.default_rng(1)
    rows, points = 400, 50
    x, y = np.zeros((2, rows, points))
    for t in range(1, rows):
        x[t] = 0.5 * x[t - 1] + rng.standard_normal(points)
        y[t] = 0.5 * y[t - 1] + 0.6 * x[t - 1] + rng.standard_normal(points)
    dataset = xr.Dataset(
        {name: (("t", "s"), value[50:]) for name, value in (("x", x), ("y", y))},
        {"s": np.arange(points)},
    )
    result = physent.diagnose(
        dataset, [TransferEntropy(of="x", to="y"), TransferEntropy(of="y", to="x")]
    )
    assert float(result.transfer_entropy_x_to_y[-1]) == pytest.approx(0.181395, abs=3 * 0.0045)
    assert 0 <= float(result.transfer_entropy_y_to_x[-1]) < 0.0005


@pytest.mark.parametrize(
    ("diagnostic", "message"),
    [
        (Regularity(of="density"), "2 grid axes, but a series needs one"),
        (Regularity(of="series"), "series has no grid axis: set window"),
        (Regularity(of="series", measure=MultiscaleEntropy(), window=10), "needs 32"),
        (TransferEntropy(of="density", to="profile"), "live on different axes"),
        (MutualInformation(of="density", other="profile"), "live on different axes"),
        (ParticleEntropy(of=("profile",)), "does not hold particles and components"),
        (PotentialEnergy(of="profile"), "two grid axes"),
        (PublishedQuantity(of="profile", quantity="complexity_index"), "reads 2 grid axes"),
        (
            PublishedQuantity(of="density", quantity="mixing_proxy", other="curl"),
            "no observable or role 'curl'",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(dataset, diagnostic, message):
    with pytest.raises(ValueError, match=message):
        physent.diagnose(dataset, [diagnostic])


def test_every_diagnostic_is_registered():
    classes = set(available("diagnostics").values())
    assert {type(diagnostic) for diagnostic in DIAGNOSTICS} <= classes


class Means(Instantaneous):
    """The mean of an observable, and of its square."""

    wrong: bool = static(False, doc="forget the second")
    name: str | None = static(None, doc="prefix of the output variables")

    def variables(self, observed):
        return {"mean": Variable(long_name="mean"), "mean_square": Variable(long_name="square")}

    def values(self, observed):
        density = observed["density"]
        return (density.mean(),) if self.wrong else (density.mean(), (density**2).mean())


def test_a_diagnostic_without_history_gives_its_values_by_name(dataset):
    result = physent.diagnose(dataset, [Means()])
    density = dataset.density.values
    np.testing.assert_allclose(result["mean"].values, density.mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(result.mean_square, (density**2).mean(axis=(1, 2)), rtol=1e-6)
    with pytest.raises(ValueError, match="shorter"):
        physent.diagnose(dataset, [Means(wrong=True)])
