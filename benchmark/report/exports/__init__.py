"""Tables and curves in the formats of other programs."""
