"""Ratios measured side by side, in one run, interleaved; medians. Anyone can run them."""
