"""One page on a folder of runs: `pagereel index`."""
