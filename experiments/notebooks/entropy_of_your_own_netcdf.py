# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Entropy of your own NetCDF file
#
# Nothing here needs a run of physent. First a file like those that other programs write:
# temperatures on a grid over two years, with a day's noise that is stronger in the north. Put your
# own file in its place.

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import physent
import physent.data.accessor  # adds .physent to every DataArray
from physent.app import cli
from physent.diagnostics import Entropy
from physent.entropy import (
    Histogram,
    Ordinal,
    circular_shift,
    gaussian_mutual_information,
    permutation_test,
)

jax.config.update("jax_enable_x64", True)

# %%
rng = np.random.default_rng(0)
day, latitude, longitude = np.arange(730), np.linspace(-60, 60, 25), np.arange(0, 360, 10)
season = (
    10 * np.sin(2 * np.pi * day / 365)[:, None, None] * np.sin(np.radians(latitude))[None, :, None]
)
noise = np.zeros((730, 25, 36))
for i in range(1, 730):  # weather remembers yesterday
    noise[i] = 0.7 * noise[i - 1] + rng.standard_normal((25, 36))
noise *= (1.5 + latitude / 60)[None, :, None]
temperature = 288 - 0.3 * np.abs(latitude)[None, :, None] + season + noise
xr.Dataset(
    {"temperature": (("time", "latitude", "longitude"), temperature, {"units": "K"})},
    {"time": day, "latitude": latitude, "longitude": longitude},
).to_netcdf("my_data.nc")

# %% [markdown]
# ## How many states does it take?
#
# The entropy of a histogram at every time: how spread the values of the whole map are. The default
# reads all dimensions but time; a histogram needs edges, and they should be the same at all times.

# %%
data = xr.open_dataset("my_data.nc")
bins = Histogram(bins=60, low=240.0, high=320.0)
spread = data.temperature.physent.entropy(outcomes=bins)
spread

# %% [markdown] It depends on the bins: with bins half as wide it is larger by about ln 2. Compare
# entropies of the same bins, or subtract their logarithm. And it is too small for few values: a
# plug-in estimate of K outcomes from N values is low by (K - 1)/2N; an estimator corrects that.

# %%
corrected = data.temperature.physent.entropy(outcomes=bins, estimator="miller_madow")
finer = data.temperature.physent.entropy(outcomes=Histogram(bins=120, low=240.0, high=320.0))
gained, bias = float((finer - spread).mean()), float((spread - corrected).mean())
print(f"finer bins: {gained:+.3f} (ln 2 = {np.log(2):.3f}); bias: {bias:+.3f}")

# %% [markdown]
# ## How predictable is each place?
#
# The permutation entropy of the series at each place: 1 for what comes in any order, less for what
# remembers.

# %%
order = Ordinal(order=4)
predictability = data.temperature.physent.entropy(dim="time", outcomes=order, normalise=True)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
spread.plot(ax=left)
left.set(ylabel="histogram entropy (nats)", title="the map, day by day")
predictability.mean("longitude").plot(ax=right)
right.set(ylabel="permutation entropy (normalised)", title="the series, by latitude")
plt.show()

# %% [markdown]
# ## Is it significant? How large is the error?
#
# A number without an error bar is no result. A mean over time has fewer independent values than
# rows, and `time_average` counts them.

# %%
average = spread.physent.time_average("time")
mean, error, count = (
    float(average[name]) for name in ("value", "standard_error", "effective_size")
)
print(f"mean {mean:.4f} +- {error:.4f}, {count:.0f} independent values of {spread.size}")

# %% [markdown] Does yesterday say anything about today, at a place on the equator, where there is
# no season? The mutual information of the two, against that of series shifted round by chance,
# which keep their memory but not their pairing.

# %%
series = data.temperature.isel(latitude=12, longitude=0).values
test = permutation_test(
    gaussian_mutual_information,
    series[:-1],
    series[1:],
    jax.random.key(0),
    surrogate=circular_shift,
)
print(f"{float(test.value):.3f} nats, p = {float(test.p_value):.3f}; by chance "
      f"{float(test.null_mean):.3f}; "
      f"exact for a memory of 0.7: {-0.5 * np.log(1 - 0.7**2):.3f}")  # fmt: skip
assert test.p_value <= 0.01

# %% [markdown]
# ## On the command line
#
# The same without Python: `physent diagnose my_data.nc --of temperature --outcomes '{kind =
# "histogram", bins = 60, low = 240.0, high = 320.0}' --output entropy.nc`.

# %%
arguments = [
    "diagnose",
    "my_data.nc",
    "--of",
    "temperature",
    "--output",
    "entropy.nc",
    "--outcomes",
    '{kind = "histogram", bins = 60, low = 240.0, high = 320.0}',
]
cli.app(arguments, result_action="return_value")
found = xr.open_dataset("entropy.nc")
name = next(iter(found.data_vars))
np.testing.assert_allclose(found[name], spread, rtol=1e-12)
found[name]

# %% [markdown] And any diagnostic of a running solver works on a file, the same object:
# `physent.diagnose(data, [Entropy(...)])`.

# %%
again = physent.diagnose(data, [Entropy(of="temperature", outcomes=bins, name="spread")])
np.testing.assert_allclose(again.spread, spread, rtol=1e-12)
assert 0.9 < float(finer.mean() - spread.mean()) / np.log(2) < 1.1
