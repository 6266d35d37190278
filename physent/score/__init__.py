"""From samples of a stochastic solver to its score, and from the score to entropy production and currents."""

from physent.score.network import Network as Network
from physent.score.network import Residual as Residual
from physent.score.network import Score as Score
