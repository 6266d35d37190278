"""The distance from the exact solution, where a system has one."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array

from physent.errors import nearest
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import static
from physent.protocol.variables import Variable


class Error(Diagnostic[tuple[()]]):
    """The error of an observable f against the exact solution: max |f - f_exact|, or its root mean
    square.

    With `modulus` the moduli are compared, max ||f| - |f_exact||, which leaves a phase error out.
    It exists only where the initial condition has a closed-form solution for the parameters given.
    """

    of: str = static(doc="observable, by name or role", example="density")
    norm: Literal["max", "rms"] = static("max", doc="norm over the grid")
    modulus: bool = static(False, doc="compare moduli")
    name: str | None = static(None, doc="name of the output variable", example="error_density")

    def _name(self, of: str) -> str:
        return self.name or "_".join(
            part for part in ("error", "modulus" if self.modulus else "", of) if part
        )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series."""
        of = observed.find(self.of)
        known = observed.exact()
        if of not in known:
            names = ", ".join(known) or "no observable"
            raise ValueError(
                f"no exact solution is known for {of}{nearest(of, known)} (known for: {names})"
            )
        words = f"{self.norm} error of {'the modulus of ' if self.modulus else ''}{of}"
        return {self._name(of): Variable((), "error", observed.variables[of].units, words)}

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The error at this time."""
        of = observed.find(self.of)
        value, exact = observed[of], observed.exact()[of]
        difference = (
            jnp.abs(jnp.abs(value) - jnp.abs(exact)) if self.modulus else jnp.abs(value - exact)
        )
        error = jnp.max(difference) if self.norm == "max" else jnp.sqrt(jnp.mean(difference**2))
        return carry, {self._name(of): error}
