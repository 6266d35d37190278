"""What can go wrong, in one place to import from: each is a sentence for the user, and exit code 2, or 1 for a run."""

from physent.config import ConfigError as ConfigError
from physent.engine import RunError as RunError
from physent.io.folder import FolderError as FolderError
from physent.parameters import ParameterError as ParameterError
from physent.registry import RegistryError as RegistryError
