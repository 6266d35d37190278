"""Running a solver: compiled chunks, the host loop around them, devices, signals and progress; it
never touches a file.
"""
