"""Makes docs/_static/physent.png, the picture of the README: python docs/make_picture.py

Three systems, and below each the entropy that was measured while it ran. Grey on transparent, for
light and dark pages.
"""

from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

import physent  # noqa: E402
from physent.diagnostics import Entropy, NearestNeighbourEntropy  # noqa: E402
from physent.entropy import Histogram  # noqa: E402
from physent.solvers import NLSE, Couzin, KelvinHelmholtz  # noqa: E402
from physent.solvers.kelvin_helmholtz import Mode, ShearLayer  # noqa: E402
from physent.solvers.nlse import Solitons  # noqa: E402

GREY, LINE = "#808080", "#3b8bc4"
COLOURED = (
    "text.color",
    "axes.labelcolor",
    "axes.edgecolor",
    "xtick.color",
    "ytick.color",
    "axes.titlecolor",
)
PLAIN = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.transparent": True,
}
STYLE = dict.fromkeys(COLOURED, GREY) | PLAIN


def solitons():
    """Two solitons of the nonlinear Schroedinger equation."""
    return physent.run(
        NLSE(n=512, length=50.0, dt=0.01, initial=Solitons()),
        t_end=10.0, save_every=0.05, diagnostics=[Entropy(of="density", name="entropy")],
    )  # fmt: skip


def shear():
    """A stratified shear layer."""
    layer = ShearLayer(thickness=0.05, density_bottom=1.2, perturbation=Mode(amplitude=0.05, m=2))
    histogram = Entropy(
        of="density", outcomes=Histogram(bins=50, low=1.0, high=1.2), name="entropy"
    )
    return physent.run(
        KelvinHelmholtz(nx=192, nz=96, dt=0.1, reynolds=2000.0, buoyancy=0.5, initial=layer),
        t_end=4.0, save_every=0.1, diagnostics=[histogram],
    )  # fmt: skip


def school():
    """Fish that come together."""
    return physent.run(
        Couzin(n=120, orientation_width=0.75, attraction_width=14.0),
        t_end=120.0,
        save_every=1.0,
        diagnostics=[NearestNeighbourEntropy(of="position", name="entropy")],
    )


def draw(place: Path) -> None:
    """Runs and draws."""
    waves, flow, fish = solitons(), shear(), school()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2, 3, figsize=(10, 4.2), height_ratios=[2, 1], layout="constrained"
        )
        axes[0, 0].pcolormesh(waves.t, waves.x, np.abs(waves.psi).T, cmap="magma", rasterized=True)
        axes[0, 0].set(title="two solitons collide", ylabel="x", ylim=(-14, 14))
        axes[0, 1].pcolormesh(
            flow.x,
            flow.z,
            flow.density.isel(t=-1).transpose("z", "x"),
            cmap="cividis",
            rasterized=True,
        )
        axes[0, 1].set(title="a shear layer rolls up", xlabel="x", ylabel="z", aspect="equal")
        position, heading = fish.position.isel(t=-1).values, fish.heading.isel(t=-1).values
        axes[0, 2].quiver(
            *position.T[:2], *heading.T[:2], heading[:, 2], cmap="viridis", pivot="mid", width=0.008
        )
        axes[0, 2].set(title="a school of fish", xlabel="x", ylabel="y", aspect="equal")
        words = (
            "of the density |psi|^2",
            "of the values of the density",
            "of the places of the fish",
        )
        for panel, run, what in zip(axes[1], (waves, flow, fish), words, strict=True):
            panel.plot(run.t, run.entropy, color=LINE)
            panel.set(xlabel="t", title=f"entropy {what}")
        axes[1, 0].set(ylabel="nats")
        figure.savefig(place, dpi=110)


if __name__ == "__main__":
    place = Path(__file__).parent / "_static" / "physent.png"
    place.parent.mkdir(exist_ok=True)
    draw(place)
