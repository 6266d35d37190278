"""The state of active particles and its observables."""

from jaxtyping import Array, Float, Int, PRNGKeyArray

from physent.numerics.neighbors import NeighborList
from physent.protocol.solver import State
from physent.protocol.variables import Axis, Domain, Variable


class ActiveMatterState(State):
    """Positions in the box, winding numbers, propulsions and the neighbour list.

    `leap` is the farthest that a step moved a particle by its pair force so far, in units of the
    force's reach; `previous` is the drift by forces and trap one step ago, which only
    `adams_bashforth` keeps.
    """

    t: Float[Array, ""]
    key: PRNGKeyArray
    position: Float[Array, "n d"]
    rounds: Int[Array, "n d"]
    propulsion: Float[Array, "n d"]
    neighbors: NeighborList
    leap: Float[Array, ""]
    previous: Float[Array, "n d"] | None


def variables(dimension: int, periodic: bool) -> dict[str, Variable]:
    """The observables in a box of this dimension; pressures only if it is periodic."""
    vector = ("particle", "component")
    declared = {
        "position": Variable(vector, "position", "length", "position in the box"),
        "unwrapped": Variable(vector, "unwrapped_position", "length", "position, unwrapped"),
        "propulsion": Variable(vector, "propulsion", "1", "self-propulsion g"),
        "force": Variable(vector, "force", "length/time", "pair force over the friction"),
        "velocity": Variable(vector, "velocity", "length/time", "velocity without the noise"),
        "mean_speed": Variable((), "speed", "length/time", "mean speed without the noise"),
    }
    if periodic:
        units = f"length^{2 - dimension}/time" if dimension != 2 else "1/time"
        declared["interaction_pressure"] = Variable(
            (), "pressure", units, "pressure of the pair forces"
        )
        declared["swim_pressure"] = Variable(
            (), "pressure", units, "pressure of self-propulsion", "no propulsion ever turns"
        )
    return declared


def domain(dimension: int, length: Float[Array, ""], periodic: bool) -> Domain:
    """One axis per dimension, without grid points."""
    names = "xyz"[:dimension]
    return Domain(tuple(Axis(name, None, length, periodic, units="length") for name in names))
