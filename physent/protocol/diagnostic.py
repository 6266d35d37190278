"""Protocol two: a diagnostic turns the observables of each saved state into numbers during the run.

A diagnostic is a module like a solver. It runs inside the compiled chunk, so it may keep history
(increments, running histograms, ordinal windows) only in its carry, and it runs offline on any
Dataset through `physent.diagnose`.
"""

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from physent.errors import ParameterError, nearest
from physent.protocol.parameters import Declared, check_instance
from physent.protocol.variables import Axis, Domain, Variable


class Dynamics(NamedTuple):
    """Drift b, diffusion D and d b_i/d x_i of a stochastic solver at a state, each by observable
    name.
    """

    drift: Mapping[str, Array]
    diffusion: Mapping[str, Array]
    divergence: Mapping[str, Array]


class Weighed(NamedTuple):
    """The weights of the cells of an observable, of its shape, None where all count the same; and
    the dims that they are of.
    """

    weights: Array | None = None
    dims: tuple[str, ...] = ()


class Observed(Mapping[str, Array]):
    """The observables of one saved state, with their metadata.

    A mapping from name to array, plus `t`, the time; `variables`, name to `Variable`; `domain`, the
    axes; and `exact()`, the observables of the exact solution at this time (empty where none is
    known); and `dynamics()`, the `Dynamics` of a stochastic solver at this state (None for any
    other, and for data from a file); and `system()`, the solver and its state (None for data from a
    file; before a run the state is None). `weights` and `volumes` are those of the cells of a
    field, and for data from a file may leave cells out.
    """

    def __init__(
        self,
        values: Mapping[str, Array],
        variables: Mapping[str, Variable],
        domain: Domain,
        t: Array,
        exact: Callable[[], Mapping[str, Array]] = dict,
        dynamics: Callable[[], Dynamics | None] = lambda: None,
        system: Callable[[], tuple[Any, Any] | None] = lambda: None,
        weigh: Callable[[str, Array], Weighed] = lambda name, values: Weighed(),
    ):
        self._values = values
        self.variables = variables
        self.domain = domain
        self.t = t
        self.exact = exact
        self.dynamics = dynamics
        self.system = system
        self._weigh = weigh

    def __getitem__(self, name: str) -> Array:
        """The observable of that name."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the observables."""
        return iter(self._values)

    def __len__(self) -> int:
        """The number of observables."""
        return len(self._values)

    def find(self, of: str) -> str:
        """The observable with a given name or role.

        **Arguments:**

        - `of`: the name of an observable, or a role that exactly one observable has.

        **Returns:**

        The name. Raises a ValueError that lists what there is.
        """
        if of in self._values:
            return of
        having = [
            name
            for name, variable in self.variables.items()
            if variable.role == of and name in self._values
        ]
        if len(having) == 1:
            return having[0]
        if having:
            raise ValueError(
                f"{of!r} is the role of several observables: choose one of {', '.join(having)}"
            )
        roles = {self.variables[name].role for name in self._values}
        raise ValueError(
            f"no observable or role {of!r}{nearest(of, [*self._values, *roles])} "
            f"(observables: {', '.join(self._values)}; roles: {', '.join(sorted(roles))})"
        )

    def grid(self, name: str) -> list[tuple[int, Any]]:
        """The spatial grid axes of an observable.

        **Arguments:**

        - `name`: of the observable.

        **Returns:**

        Pairs of the array's axis, counted from the end, and the `Axis`, in order.
        """
        dims = self.variables[name].dims
        return [
            (dims.index(dim) - len(dims), self.domain[dim])
            for dim in dims
            if dim in self.domain and self.domain[dim].points is not None
        ]

    def weights(self, name: str) -> Array | None:
        """How many equal cells each cell of an observable stands for.

        **Arguments:**

        - `name`: of the observable.

        **Returns:**

        Numbers, or a mask, of the shape of the observable; None where all cells count the same.
        """
        return self._weigh(name, self[name]).weights

    def volumes(self, name: str) -> Array:
        """The volumes of the cells of an observable, 0 for one that is left out.

        **Arguments:**

        - `name`: of the observable.

        **Returns:**

        Numbers of the shape of the observable: its weights times the widths of the cells along the
        grid axes that they are not of. Raises ValueError where those are not known.
        """
        values = self[name]
        weights, dims = self._weigh(name, values)
        for position, axis in self.grid(name):
            if axis.name not in dims:
                shape = [1] * values.ndim
                shape[position] = -1
                sizes = jnp.broadcast_to(axis.sizes.reshape(shape), values.shape)
                weights = sizes if weights is None else weights * sizes
        assert weights is not None
        return weights


C = TypeVar("C")


class Diagnostic(Declared, Generic[C]):
    """Numbers computed from observables, streaming or offline.

    `name` is the output variable's name in the file, or a prefix of it where there are several;
    None gives a readable default.
    """

    name: eqx.AbstractVar[str | None]

    @abc.abstractmethod
    def variables(self, observed: Observed) -> dict[str, Variable]:
        """The description of each output.

        **Arguments:**

        - `observed`: the observables at t = 0, possibly with shapes and dtypes instead of values.

        **Returns:**

        A `Variable` for each output, by its name in the file. Raises a ValueError, or a
        ParameterError with the key, where the observables do not fit.
        """

    def axes(self, observed: Observed) -> tuple[Axis, ...]:
        """The coordinates of dims that only its outputs have, such as r of a radial distribution.

        **Arguments:**

        - `observed`: the observables at t = 0, possibly with shapes and dtypes instead of values.

        **Returns:**

        An `Axis` for each such dim; none by default.
        """
        return ()

    def in_order(self) -> bool:
        """Whether it counts rows that follow each other, as patterns in time do.

        **Returns:**

        True where rows must be evenly spaced in time, which `physent.diagnose` then asks of a file;
        by default False.
        """
        return False

    def weighs(self) -> bool:
        """Whether it looks at `Observed.weights`, so that cells may count differently, or not at
        all.

        **Returns:**

        By default False: `physent.diagnose` then refuses weights and missing values.
        """
        return False

    def measures_lengths(self) -> bool:
        """Whether the values depend on the units of the coordinates of what it looks at, its
        parameter `of`: the attribute `coordinate_units` of what `physent.diagnose` gives then
        states them. Default: no.
        """
        return False

    @abc.abstractmethod
    def init(self, observed: Observed) -> C:
        """The history before the first saved state. It is traced.

        **Arguments:**

        - `observed`: the observables of the first saved state.

        **Returns:**

        The carry, a pytree of arrays; `()` where there is no history.
        """

    @abc.abstractmethod
    def __call__(self, carry: C, observed: Observed) -> tuple[C, dict[str, Array]]:
        """The outputs at one saved state. It is traced, and called once for each saved state, in
        order.

        **Arguments:**

        - `carry`: the history, as `init` or the last call returned it.
        - `observed`: the observables of the saved state.

        **Returns:**

        The carry for the next call, of the same structure, shapes and dtypes, and the outputs, an
        array for each name that `variables` declares.
        """

    def advance(self, carry: C, solver: Any, before: Any, after: Any) -> C:
        """What happens at every step, between saved states too. It is traced, within the loop over
        steps; a diagnostic that has it cannot be computed from a file.

        **Arguments:**

        - `carry`: the history, as `init`, a call or the last step returned it.
        - `solver`: the solver.
        - `before`, `after`: its states before and after a step.

        **Returns:**

        The next carry, of the same structure, shapes and dtypes; by default the same, and then
        nothing is called at every step.
        """
        return carry

    @property
    def follows(self) -> bool:
        """Whether something happens at every step."""
        return type(self).advance is not Diagnostic.advance

    def named(self, observed: Observed, values: Iterable[Array]) -> dict[str, Array]:
        """The values of all outputs by name.

        **Arguments:**

        - `observed`: the observables, for `variables`.
        - `values`: the outputs, in the order in which `variables` declares them.

        **Returns:**

        The outputs by name. Raises a ValueError where there are more or fewer than are declared.
        """
        return dict(zip(self.variables(observed), values, strict=True))


class Instantaneous(Diagnostic[tuple[()]]):
    """A diagnostic without history: its outputs follow from one saved state alone.

    A subclass declares its outputs in `variables` and computes them in `values`.
    """

    @abc.abstractmethod
    def values(self, observed: Observed) -> Iterable[Array]:
        """The outputs at one saved state. It is traced.

        **Arguments:**

        - `observed`: the observables of the saved state.

        **Returns:**

        An array for each output, in the order in which `variables` declares them.
        """

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The outputs at this time, by the names that `variables` gives them."""
        return carry, self.named(observed, self.values(observed))


def check_diagnostics(diagnostics: Any) -> list[Diagnostic]:
    """The diagnostics as a list. Raises ParameterError for anything else."""
    if isinstance(diagnostics, Diagnostic | str) or not isinstance(diagnostics, Iterable):
        given = repr(diagnostics) if isinstance(diagnostics, str) else type(diagnostics).__name__
        raise ParameterError(
            "diagnostics", f"given {given}, allowed: a list, as [Entropy(of='density')]"
        )
    found = list(diagnostics)
    for i, each in enumerate(found):
        check_instance(each, Diagnostic, f"diagnostics.{i}", ", as Entropy(of='density')")
    return found
