"""Networks, losses and the optimiser's loop; they see neither a solver nor a file, only a
`System`.
"""
