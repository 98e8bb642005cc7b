"""From options to cells and their costs."""
