"""From the records of a run to its tables, pictures and page.

It knows nothing of training, and what a run was asked to do only from what the run left.
"""
