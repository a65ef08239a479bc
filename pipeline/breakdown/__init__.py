"""A search for loads under which one mechanism breaks down and another holds."""
