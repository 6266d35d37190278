"""`python -m physent` is `physent`."""

from physent.app.cli import main

main()
