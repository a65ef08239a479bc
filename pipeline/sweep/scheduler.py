"""Running a sweep's batches on the workers of a Dask scheduler.

Workers send their results back, and only this process writes the store: they share no disk with it.
What a worker was at when it was killed is run by another one.
"""

import asyncio
import logging
import pickle
import queue
import sys
import time
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import replace

from pipeline.config import WorkloadChoice
from pipeline.execute import ExecuteError
from pipeline.simulate import runnable
from pipeline.sweep.cell import Job, result_of
from pipeline.sweep.identity import code, differing
from pipeline.sweep.plan import Batch, batches_of
from pipeline.sweep.progress import Estimate, Report, told_by_seconds
from pipeline.sweep.store import Store
from workloads.stream import Stream

ANSWER_WITHIN_S = 5.0
LOOK_EVERY_S = 5.0  # whether the scheduler and any worker are still there
MAX_SENT_BYTES = 512 << 20  # of a recorded stream, packed; the scheduler keeps it in memory


def run_there(address: str, jobs: Sequence[Job], store: Store, report: Report) -> None:
    """Run all jobs on the workers of the scheduler at `address`; results are kept as they come.

    Raises ExecuteError for a scheduler that isn't there, workers with other code, or workers that
    die again and again; WorkloadError, OSError. What was kept by then stays.
    """
    streams = _packed(jobs)
    with _connected(address) as client:
        _check_workers(client, address)
        threads = sum(client.nthreads().values())
        _run(client, address, batches_of(jobs, max(threads, 1)), streams, store, report)


@contextmanager
def _connected(address: str) -> Iterator:
    """A client of the scheduler, which stays quiet where connections break. Raises ExecuteError."""
    try:
        import distributed
    except ImportError:
        needed = "--scheduler needs dask.distributed: pip install 'pagereel[dask]'"
        raise ExecuteError(needed) from None
    for name in ("distributed", "tornado", "asyncio"):  # they tell each broken connection in pages
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other versions of Dask, large tasks: known
        try:
            asyncio.run(_greeted(address))  # a client that finds nobody takes long to give up
            client = distributed.Client(address, timeout=ANSWER_WITHIN_S, set_as_default=False)
        except Exception as error:  # what another server answers is read as anything
            told = " ".join(str(error).split()) or type(error).__name__
            raise ExecuteError(f"{address}: no scheduler answers: {told}") from None
        try:
            yield client
        finally:
            with suppress(OSError):  # a scheduler that is gone
                client.close(timeout=2)


async def _greeted(address: str) -> None:
    """Raise something, and soon, for an address where no scheduler is."""
    import distributed

    async with asyncio.timeout(ANSWER_WITHIN_S + 1):
        async with distributed.rpc(address, timeout=ANSWER_WITHIN_S) as there:
            kind = (await there.identity())["type"]
    if kind != "Scheduler":
        raise ValueError(f"a {kind.lower()} is there")


def _check_workers(client, address: str) -> None:
    """Raise ExecuteError for a worker whose code would make other figures, or that has none."""
    here = code()
    for worker, there in client.run(code, on_error="return").items():
        if isinstance(there, BaseException):
            told = " ".join(f"{type(there).__name__}: {there}".split())
            raise ExecuteError(f"{address}: worker {worker} cannot run pagereel: {told}")
        if difference := differing(here, there):
            raise ExecuteError(f"{address}: worker {worker} has other code: {difference}")


def _packed(jobs: Sequence[Job]) -> dict[str, bytes]:
    """The recorded streams by path: workers need not see the file. Raises as `run_there`."""
    choices = {job.workload.path: job.workload for job in jobs if job.workload.path}
    return {path: _pack(choice) for path, choice in choices.items()}


def _pack(choice: WorkloadChoice) -> bytes:
    packed = zlib.compress(pickle.dumps(runnable(choice.load(seed=0))), 1)
    if len(packed) > MAX_SENT_BYTES:
        size_mb = len(packed) / 1e6
        raise ExecuteError(f"{choice.path}: {size_mb:.0f} MB are too much to send to workers")
    return packed


def unpacked(packed: bytes) -> Stream:
    """On a worker: a recorded stream, kept there for as long as it is needed."""
    return pickle.loads(zlib.decompress(packed))


def run_batch(
    pickled: bytes, expected: dict[str, str], stream: Stream | None
) -> tuple[float, list[dict]]:
    """On a worker: seconds that a batch took, and the results of its jobs.

    It comes as bytes, in which Dask does not look for tasks of its own.

    Raises ExecuteError where this worker came later than the others and has other code.
    """
    if difference := differing(expected, code()):
        raise ExecuteError(f"a worker that came later has other code: {difference}")
    batch: Batch = pickle.loads(pickled)
    began_s = time.monotonic()
    if stream is not None:
        stream = replace(stream, seed=batch.jobs[0].seed)  # all of a batch have the same
    results = [result_of(job, stream) for job in batch.jobs]
    return time.monotonic() - began_s, results


def _run(
    client,
    address: str,
    batches: Sequence[Batch],
    streams: Mapping[str, bytes],
    store: Store,
    report: Report,
) -> None:
    sent = {path: client.submit(unpacked, packed, pure=False) for path, packed in streams.items()}
    done: queue.Queue = queue.Queue()
    batch_of = {}
    for priority, batch in enumerate(batches):
        stream = sent.get(batch.jobs[0].workload.path)
        future = client.submit(
            run_batch, pickle.dumps(batch), code(), stream, pure=False, priority=-priority
        )
        batch_of[future.key] = batch
        future.add_done_callback(done.put)
    tell = told_by_seconds(Estimate(batches), report)
    while batch_of:
        future = _next(client, address, done)
        batch = batch_of.pop(future.key)
        seconds, results = _brought(future, batch, address)
        for job, result in zip(batch.jobs, results, strict=True):
            store.write(job.key, result)
        future.release()
        tell(batch.label, seconds)


def _next(client, address: str, done: queue.Queue):
    """The next batch that has ended, well or not. Raises ExecuteError."""
    told = False
    while True:
        try:
            return done.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            pass
        if client.status != "running":
            raise _lost(address)
        if not told and not client.scheduler_info(n_workers=1)["workers"]:
            told = True
            print(f"pagereel: {address} has no worker; waiting for one", file=sys.stderr)


def _brought(future, batch: Batch, address: str) -> tuple[float, list[dict]]:
    """What a batch gave. Raises what it raised, and ExecuteError."""
    import distributed

    try:
        return future.result(timeout=ANSWER_WITHIN_S)
    except distributed.KilledWorker:
        told = f"the workers that ran {batch.label} died; perhaps memory ran out"
        raise ExecuteError(f"{address}: {told}") from None
    except (CancelledError, TimeoutError, distributed.comm.CommClosedError):
        raise _lost(address) from None


def _lost(address: str) -> ExecuteError:
    return ExecuteError(f"{address}: scheduler lost; run it again: what was done is kept")
