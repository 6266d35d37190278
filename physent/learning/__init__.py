"""Networks, losses and the optimiser's loop; they know neither a solver nor a file, but ask a
`System`.
"""
