"""The error against the exact solution of a system, if it has one."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.fields import joined
from physent.entropy.discrete import root_mean_square
from physent.errors import nearest
from physent.protocol.diagnostic import Instantaneous, Observed
from physent.protocol.parameters import static
from physent.protocol.variables import Variable


class Error(Instantaneous):
    """The error of an observable f against the exact solution: max |f - f_exact|, or its root mean
    square.

    With `modulus` the moduli are compared, max ||f| - |f_exact||, which leaves a phase error out.
    It exists only where the initial condition has a closed-form solution for the parameters given.
    """

    of: str = static(doc="observable, by name or role", example="density")
    norm: Literal["max", "rms"] = static("max", doc="norm over the grid")
    modulus: bool = static(False, doc="compare moduli")
    name: str | None = static(None, doc="name of the output variable", example="error_density")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series."""
        of, known = observed.find(self.of), observed.exact()
        if of not in known:
            raise ValueError(
                f"no exact solution is known for {of}{nearest(of, known)} (known for: "
                f"{', '.join(known) or 'no observable'})"
            )
        name = self.name or joined("error", "modulus" if self.modulus else "", of)
        words = f"{self.norm} error of {'the modulus of ' if self.modulus else ''}{of}"
        return {name: Variable((), "error", observed.variables[of].units, words)}

    def values(self, observed: Observed) -> tuple[Array]:
        """The error at this time."""
        of = observed.find(self.of)
        value, exact = observed[of], observed.exact()[of]
        difference = (
            jnp.abs(jnp.abs(value) - jnp.abs(exact)) if self.modulus else jnp.abs(value - exact)
        )
        return (jnp.max(difference) if self.norm == "max" else root_mean_square(difference),)
