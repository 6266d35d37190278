"""Arrays partitioned into slabs, one per device: transforms with an all-to-all, ghost cells from
neighbours, global sums.

A program is traced for a mesh with one axis, named `AXIS`, that is the context (`jax.set_mesh`, or
the engine for `run.devices`). Elementwise work and sums need nothing from here, the compiler cuts
them like their arrays; it gathers whole arrays for `jnp.fft` and for stencils. Here an array comes
cut along one axis and leaves cut along another, after one exchange in which every device sends each
other one its share (all-to-all).

On one device every function is the plain one, to the bit.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, PartitionSpec
from jaxtyping import Array, Complex, Float, Inexact, Int

AXIS = "slab"


def slabs() -> int:
    """The number of slabs of the arrays in the program being traced; 1 on one device."""
    return jax.sharding.get_abstract_mesh().shape.get(AXIS, 1)


def spec(axis: int | None) -> PartitionSpec:
    """The `PartitionSpec` of an array partitioned along an axis, or with None replicated on every
    device.
    """
    return PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, AXIS)


def _inside() -> bool:
    return slabs() > 1 and AxisType.Manual in jax.sharding.get_abstract_mesh().axis_types


def each_slab(function: Callable, cut: tuple[int | None, ...], into: Any) -> Callable:
    """`function` applied to each slab separately, which sees only its own part of every array.

    `cut` has the axis along which each argument is cut, `into` (an axis, or a tuple of them) that
    of the results; None is for what all slabs have alike. Inside, ghost cells and sums come from
    the functions below.
    """
    if slabs() == 1 or _inside():
        return function
    return jax.shard_map(
        function,
        in_specs=tuple(map(spec, cut)),
        out_specs=tuple(map(spec, into)) if isinstance(into, tuple) else spec(into),
    )


def everywhere(values: Array) -> Array:
    """The whole array on every device (a gather): for positions, which are small compared with the
    quantities computed from them.
    """
    return values if slabs() == 1 else jax.lax.with_sharding_constraint(values, PartitionSpec())


# -------------------------------------------------------------------------------------------------
# inside `each_slab`


def own(values: Array) -> Array:
    """The part of this slab, along the first axis, of an array replicated on all slabs."""
    if not _inside():
        return values
    share = values.shape[0] // slabs()
    return jax.lax.dynamic_slice_in_dim(values, jax.lax.axis_index(AXIS) * share, share)


def total(value: Array) -> Array:
    """The global sum of the partial sums of all slabs."""
    return jax.lax.psum(value, AXIS) if _inside() else value


def largest(value: Array) -> Array:
    """The maximum over all slabs."""
    return jax.lax.pmax(value, AXIS) if _inside() else value


def _exchanged(a: Array, cut: int, join: int) -> Array:
    """Repartition an array from one axis to the other: the one all-to-all of a transform."""
    return a if slabs() == 1 else jax.lax.all_to_all(a, AXIS, cut, join, tiled=True)


# ------------------------------------------------------------------------------------------------
# planes, cut in rows


def rfft(f: Float[Array, "m n"], norm: str | None = None) -> Complex[Array, "m k"]:
    """`jnp.fft.rfft` of every row of an array cut along the rows' points; the result is cut between
    rows.
    """
    return each_slab(lambda f: jnp.fft.rfft(_exchanged(f, 0, 1), norm=norm), (1,), 0)(f)


def irfft(modes: Complex[Array, "m k"], n: int, norm: str | None = None) -> Float[Array, "m n"]:
    """`jnp.fft.irfft` of every row, the inverse of `rfft`: cut between rows, then along their
    points.
    """
    return each_slab(lambda modes: _exchanged(jnp.fft.irfft(modes, n, norm=norm), 1, 0), (0,), 1)(
        modes
    )


def rfft2(f: Float[Array, "m n"], norm: str | None = None) -> Complex[Array, "m k"]:
    """`jnp.fft.rfft2` of an array cut along its second axis; the result is cut along its first.

    The axis that is whole goes first, as a complex transform, since the half spectrum belongs to
    the other one: twice the work and the traffic of `rfft`.
    """
    if slabs() == 1:
        return jnp.fft.rfft2(f, norm=norm)

    def transform(f: Array) -> Array:
        columns = _exchanged(jnp.fft.fft(f, axis=0, norm=norm), 0, 1)
        return jnp.fft.fft(columns, norm=norm)[:, : columns.shape[1] // 2 + 1]

    return each_slab(transform, (1,), 0)(f)


def irfft2(
    modes: Complex[Array, "m k"], shape: tuple[int, int], norm: str | None = None
) -> Float[Array, "m n"]:
    """`jnp.fft.irfft2` to an array of `shape`, the inverse of `rfft2`: cut along the first axis,
    then the second.
    """
    if slabs() == 1:
        return jnp.fft.irfft2(modes, shape, norm=norm)
    n, k = shape[1], jnp.arange(modes.shape[1])
    # the modes left out are conjugate to these
    pairs = jnp.where((k == 0) | (2 * k == n), 1, 2)[None, :]

    def transform(modes: Array) -> Array:
        rows = jnp.fft.ifft(jnp.pad(modes * pairs, ((0, 0), (0, n - modes.shape[1]))), norm=norm)
        return jnp.fft.ifft(_exchanged(rows, 1, 0), axis=0, norm=norm).real

    return each_slab(transform, (0,), 1)(modes)


# --------------------------------------------------------------------------------------------------
# lines


def factors(n: int, count: int) -> tuple[int, int] | None:
    """n1 n2 = n, both multiples of `count` and as close to each other as possible; None if there
    are none.
    """
    whole = [
        n1
        for n1 in range(count, math.isqrt(n) + 1, count)
        if n % n1 == 0 and (n // n1) % count == 0
    ]
    return (whole[-1], n // whole[-1]) if whole else None


def fft(f: Inexact[Array, "..."], axis: int = -1) -> Complex[Array, "..."]:
    """`jnp.fft.fft`; in slabs that of one line of points, cut along it, with modes cut too and in
    their own `order`.

    With j = n2 j1 + j2 and k = k1 + n1 k2 the line is a matrix (D. H. Bailey, J. Supercomput. 4,
    23, 1990): transforms along j1, factors e^{-2 pi i j2 k1/n}, transforms along j2, with an
    all-to-all before the first and before the last. A third one would put the modes into their
    usual order, which nothing needs that asks for wavenumbers.
    """
    if slabs() == 1:
        return jnp.fft.fft(f, axis=axis)
    _, n2 = _factors(f)

    def transform(f: Array) -> Array:
        columns = jnp.fft.fft(_exchanged(f.reshape(-1, n2), 1, 0), axis=0)
        return jnp.fft.fft(_exchanged(columns * jnp.conj(_turns(columns)), 0, 1)).reshape(-1)

    return each_slab(transform, (0,), 0)(f)


def ifft(modes: Complex[Array, "..."], axis: int = -1) -> Complex[Array, "..."]:
    """`jnp.fft.ifft` of modes in the order of `fft`, its inverse."""
    if slabs() == 1:
        return jnp.fft.ifft(modes, axis=axis)
    _, n2 = _factors(modes)

    def transform(modes: Array) -> Array:
        columns = _exchanged(jnp.fft.ifft(modes.reshape(-1, n2)), 1, 0)
        return _exchanged(jnp.fft.ifft(columns * _turns(columns), axis=0), 0, 1).reshape(-1)

    return each_slab(transform, (0,), 0)(modes)


def order(n: int) -> Int[np.ndarray, " n"]:
    """The mode number, 0 to n - 1, at each index of the output of `fft`."""
    place = np.arange(n)
    if slabs() == 1:
        return place
    n1, n2 = _factors(place)
    return place // n2 + n1 * (place % n2)


def numbers(n: int) -> Float[np.ndarray, " n"]:
    """0, 1, ..., -2, -1, the signed mode numbers at the indices of the output of `fft`; an even n
    has -n/2 and no n/2.
    """
    return signed(order(n), n)


def signed(mode: Int[np.ndarray, "..."], n: int) -> Float[np.ndarray, "..."]:
    """The numbers of modes 0 to n - 1 of n points with their signs."""
    return np.where(2 * mode < n, mode, mode - n).astype(float)


# --------------------------------------------------------------------------------------------------
# several lines


def fftn(f: Inexact[Array, "..."], axes: Sequence[int]) -> Complex[Array, "..."]:
    """`jnp.fft.fftn`, of one axis as `fft` does it, of which there may be several lines; grids of
    more axes that are cut are those of `physent.numerics.slab_basis`.
    """
    return jnp.fft.fftn(f, axes=axes) if slabs() == 1 or len(axes) > 1 else _lines(fft, f)


def ifftn(modes: Complex[Array, "..."], axes: Sequence[int]) -> Complex[Array, "..."]:
    """The inverse of `fftn`."""
    return jnp.fft.ifftn(modes, axes=axes) if slabs() == 1 or len(axes) > 1 else _lines(ifft, modes)


def _lines(transform: Callable[[Array], Array], f: Array) -> Array:
    lines = f.reshape(-1, f.shape[-1])
    return jnp.stack([transform(line) for line in lines]).reshape(f.shape)


def _factors(line: Array | np.ndarray) -> tuple[int, int]:
    if line.ndim != 1 or (found := factors(line.shape[0], slabs())) is None:
        raise ValueError(f"an array of shape {line.shape} cannot be transformed by {slabs()} slabs")
    return found


def _turns(columns: Complex[Array, "n1 own"]) -> Complex[Array, "n1 own"]:
    """e^{2 pi i j2 k1/n} for the columns j2 of this slab."""
    n1, share = columns.shape
    n = n1 * share * slabs()
    j2 = jax.lax.axis_index(AXIS) * share + jnp.arange(share)
    # j2 k1 < n, so the angle is as good as its division
    angle = (jnp.arange(n1)[:, None] * j2[None, :]).astype(columns.real.dtype) * (2 * math.pi / n)
    return jax.lax.complex(jnp.cos(angle), jnp.sin(angle))
