"""Training methods, one per file. A new file with a decorated class is all that a new method needs."""
