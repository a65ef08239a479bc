"""The simulated machine: zones, buddy lists, per-CPU lists, fallback. Knows no workload."""
