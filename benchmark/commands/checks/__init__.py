"""The contracts of methods, datasets, metrics and suites, as checks that anyone can run on their own."""
