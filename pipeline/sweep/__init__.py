"""Sweeps: mechanisms x workloads x parameters x seeds, of which only the figures are kept."""
