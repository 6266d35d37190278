"""physent simulates physical systems and measures their entropy while they run."""
