"""Testcases: a workload, what is seen with it, and all it takes to see it again, as one folder."""
