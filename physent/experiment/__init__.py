"""A TOML file, or a Python call, as a validated experiment."""
