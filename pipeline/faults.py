"""Which exceptions are told in one line, and with which exit code."""

from allocator.mechanism import MechanismError
from capture.errors import CaptureError
from pipeline.again import CannotRepeat
from pipeline.config import UsageError
from pipeline.execute import ExecuteError
from pipeline.folder_lock import FolderInUse
from pipeline.recording import RecordingError
from pipeline.testcase.folder import TestcaseError
from renderer.layouts import LayoutError
from renderer.output import RenderError
from renderer.palette import PaletteError
from renderer.panel import PanelError
from workloads.stream import WorkloadError

USAGE = (UsageError, MechanismError, LayoutError, PaletteError, PanelError)
FAILURES = (
    CannotRepeat, RecordingError, WorkloadError, RenderError, ExecuteError, FolderInUse,
    TestcaseError, CaptureError,
)  # fmt: skip
