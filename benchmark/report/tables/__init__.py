"""The comparison tables."""
