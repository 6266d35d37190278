"""Entropies of counts: measures, and estimators that correct for a finite sample."""
