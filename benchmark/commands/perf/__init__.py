"""How fast training, executors and metrics are."""
