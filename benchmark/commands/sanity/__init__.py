"""Sanity checks of metrics: simple distributions, on which everyone knows what a score must do."""
