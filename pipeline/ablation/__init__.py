"""`pagereel ablate`: which rule of a mechanism moves what."""
