"""The declarations of `physent diagnose` and `production`, whose help says what files they take."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from physent.app.declaring import Flag, command


@command("diagnosing")
def diagnose(
    file: Path,
    *,
    of: Annotated[list[str] | None, Parameter(negative="")] = None,
    kind: str = "entropy",
    measure: str | None = None,
    outcomes: str | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    time: str | None = None,
    group: str | None = None,
    weights: str | None = None,
    skip_missing: Flag = False,
    period: str | None = None,
    unwrap: Flag = False,
    output: Path | None = None,
):
    """Apply a diagnostic to the variables of a file: NetCDF, HDF5 (Dedalus too), zarr, or a table.

    Dimensions other than time are those of space; time is recognised by its dates, by CF attributes
    or by its name. Complex variables in two parts (psi_re and psi_im, psi_real and psi_imag, psi_r
    and psi_i, compound types, a dimension ri) are joined: --of psi. The accessor of xarray gives
    the same numbers for the same words (import physent.data.accessor).

    Parameters
    ----------
    file
        The file, or the folder of a zarr store. HDF5 in half precision and of Dedalus, and zarr
        need the extra physent[files].
    of
        Variable to read, by name or role, or an expression, as "psi_abs**2":
        numbers, names, + - * / **, parentheses, abs, sqrt, exp, log, real, imag, conj; a name that
        is no word is quoted in it. For particle_entropy several, as position,velocity. Repeatable,
        one result each. Default: that of the diagnostic, if it has one.
    kind
        The diagnostic; see physent list diagnostics.
    measure
        shannon, renyi, tsallis, ...; parameters as in '{kind = "renyi", order = 0.5}'.
    outcomes
        density, spectrum, histogram, ...
    set_
        Set a parameter of the diagnostic, as in --set order=4 or --set bins=[8,8]; repeatable.
    time
        The dimension of time, or the column of a table. Default: the one dimension with dates, with
        a CF attribute that says so, or called t, t_snapshot, time, Time, valid_time, ocean_time or
        frame.
    group
        The group of a file that has groups.
    weights
        How many equal cells each cell stands for, so that one of weight 2 counts as two: area
        (cell_measures of CF, areaCell, gw, pm and pn, or latitude and longitude, in steradians),
        volume (area times the widths along the other axes), the name of a variable, or an
        expression. The entropy of a density with volumes as weights is its differential entropy;
        those that are no logarithms depend on the unit of the weights.
    skip_missing
        Leave out cells that are masked or not finite; the share left out is written beside.
    period
        The period of every component of positions, as 10,10 (inf: not periodic). Default: the
        attribute period of the positions, as physent writes it.
    unwrap
        Follow particles across the edges of their box: positions become unwrapped ones.
    output
        NetCDF file to write; default: print a table.
    """


@command("producing")
def production(
    file: Path,
    *,
    of: Annotated[list[str] | None, Parameter(negative="")] = None,
    time: str | None = None,
    dt: float | None = None,
    by: str | None = None,
    group: str | None = None,
    period: str | None = None,
    odd: Annotated[list[str] | None, Parameter(negative="")] = None,
    estimators: str = "auto",
    seconds: float = 60.0,
    output: Path | None = None,
    quiet: Flag = False,
):
    """Estimate the entropy production of the trajectories in a file, and say which number to trust.

    Of a variable's dimensions, time apart, those called member, trajectory, walker, sample, track,
    particle or realisation count trajectories; the others are components. Whole numbers are states.
    Missing rows end a trajectory; times that are not even otherwise are refused.

    Parameters
    ----------
    file
        NetCDF, HDF5, zarr, or a table of text, as for physent diagnose.
    of
        Variable, or several as x,y that are components of one state; repeatable.
    time
        The dimension of time, or the column of a table.
    dt
        The time between rows, where the file does not say it; a table then needs no column of time.
    by
        The column that says whose row it is, in a table of many particles.
    group
        The group of a file that has groups.
    period
        The period of every component, as 10,10 or 6.2831853 (inf: none). Default: the attribute
        period of the variable.
    odd
        Components that change their sign when time is turned round: velocities.
    estimators
        auto, or labels as linear,forces; the page in the documentation says what each is for.
    seconds
        About how long it may take, by a table of costs; estimators that would take longer are left
        out.
    output
        NetCDF file to write, with a page beside it (.html); default: print the table.
    quiet
        Print no progress.
    """
