"""Runs cells and writes down what comes back."""
