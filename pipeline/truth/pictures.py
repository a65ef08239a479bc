"""What a real kernel's pages held, above what the simulated one's did, phase by phase."""

from dataclasses import replace
from pathlib import Path

from allocator.mechanism import load_mechanism
from capture.snapshots import sample_ops, write_real
from pipeline.artefacts import Progress, sheet
from pipeline.artefacts.panels import Drawing
from pipeline.samples import stream_of
from pipeline.scratch import scratch_folder
from pipeline.simulate import simulate
from pipeline.truth.compare import OWN_TOLERANCE


def draw_pair(folder: Path, target: Path, *, progress: Progress) -> None:
    """The sheet of one recorded boot and of its replay under its own mechanism; in any process.

    Shown are the judged phases, all phases where there is none of them. Raises WorkloadError,
    RenderError, OSError.
    """
    stream = stream_of(str(folder))
    stream = replace(stream, title=f"{stream.name}: a real kernel and its simulation")
    mechanism = load_mechanism(stream.start.mechanism)
    names = [phase.name for phase in stream.phases]
    phases = tuple(name for name in OWN_TOLERANCE if name in names)
    with scratch_folder() as scratch:
        real, simulated = scratch / "real.reel", scratch / "simulated.reel"
        table = {"name": mechanism.name, "title": "real kernel", "parameters": {}}
        write_real(folder, stream, real, table)
        titled = mechanism.model_copy(update={"title": "simulated"})
        simulate(stream, titled, simulated, stops=sample_ops(stream))
        sheet.write([real, simulated], target, Drawing(), phases, progress=progress)
