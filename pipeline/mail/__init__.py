"""A run as a text for a mailing list: what was run, what came out, and how sure it is."""
