"""Metrics, one idea per file. A new file with a decorated class is all that a new metric needs."""
