"""How a solver runs: compiled chunks, the host loop round them, devices, signals and progress; it
knows no file.
"""
