"""`python -m physent` is `physent`.

Python looks for modules in the working directory first, then, which may be somebody else's folder
with a queue.py in it. Here it looks there last.
"""

import sys

if not sys.flags.safe_path and len(sys.path) > 1:
    sys.path.append(sys.path.pop(0))

from physent.app.cli import main

main()
