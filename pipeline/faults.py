"""Which exceptions are told in one line, and with which exit code."""

from allocator.mechanism import MechanismError
from pipeline.config import UsageError
from pipeline.recording import RecordingError
from renderer.faults import LayoutError, RenderError
from workloads.stream import WorkloadError

USAGE = (UsageError, MechanismError, LayoutError)
FAILURES = (RecordingError, WorkloadError, RenderError)
