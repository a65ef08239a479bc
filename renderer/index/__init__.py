"""The page that lists runs; it is handed what stands there, and computes nothing."""
