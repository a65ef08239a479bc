"""Mechanisms held against each other: sides, rows, and documents of them in several formats."""
