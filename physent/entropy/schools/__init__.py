"""Entropies of schools of fish: as dewi-kadita defines them, and as their names say."""
