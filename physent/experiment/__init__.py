"""A validated experiment from a TOML file or a Python call."""
