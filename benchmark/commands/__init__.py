"""What one can ask the program for: a file per verb."""
