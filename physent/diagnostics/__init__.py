"""The diagnostics that come with physent, as modules for `physent.run` and kinds for a config."""

from physent.diagnostics.error import Error as Error
from physent.diagnostics.fields import Complexity as Complexity
from physent.diagnostics.fields import DifferentialEntropy as DifferentialEntropy
from physent.diagnostics.fields import Entropy as Entropy
