"""Metrics on samples, with the same evaluation noise for all methods."""
