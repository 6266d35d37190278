"""What a solver, a diagnostic and their parameters are, and how a name in a file becomes a
class.
"""
