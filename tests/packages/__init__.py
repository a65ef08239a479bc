"""What is handed out: the sdist and the wheel."""
