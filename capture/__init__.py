"""Data from real kernels: what others recorded or pasted, made readable."""
