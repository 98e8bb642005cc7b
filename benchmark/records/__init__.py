"""The files of a run: forms, checksums, layout, reading and writing."""
