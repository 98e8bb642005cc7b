"""The vectorised trainer: one method on one dataset, many seeds in one compiled step."""
