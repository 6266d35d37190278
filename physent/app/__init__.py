"""The command line: parses, calls, prints; heavy imports wait until a command needs them."""
