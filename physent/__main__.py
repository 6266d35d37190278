"""`python -m physent` is `physent`."""

from physent.cli import main

main()
