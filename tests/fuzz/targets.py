"""All parsers that are fuzzed, and their shares of the inputs."""

from tests.fuzz import figures, pasted, recordings, run_folders, streams, texts

TARGETS = {
    target.name: target
    for target in (
        recordings.TARGET,
        *streams.TARGETS,
        *texts.TARGETS,
        run_folders.TARGET,
        *figures.TARGETS,
        *pasted.TARGETS,
    )
}
