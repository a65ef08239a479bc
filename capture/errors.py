"""What importers raise."""


class CaptureError(Exception):
    """Data from a kernel that can't be used; one line that names the file and the fault."""
