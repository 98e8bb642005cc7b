"""Datasets whose modes are known."""
