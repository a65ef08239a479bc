"""report.html: a run as one page that needs no network; every frame of every panel is in it."""
