"""Explanations: what the allocator just did and why, a sentence for each operation that tells."""
