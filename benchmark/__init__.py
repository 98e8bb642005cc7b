"""The mode-collapse benchmark: it tells which training method covers the data distribution, at equal compute."""

__version__ = "0.1.0"
