"""The protocols of solvers, diagnostics and their parameters, and the lookup of classes by name."""
