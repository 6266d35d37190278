"""Every system small: what physent demo runs."""
