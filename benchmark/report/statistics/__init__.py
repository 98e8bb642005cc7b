"""Statistics: plain functions of arrays."""
