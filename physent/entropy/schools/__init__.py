"""Entropies of fish schools: as defined by dewi-kadita, and in their standard meaning."""
