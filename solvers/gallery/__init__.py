"""Field equations, each stated in a few lines (`physent.protocol.spectral`)."""
