"""Whether a change may go in: its target improves, and nothing else worsens beyond noise."""
