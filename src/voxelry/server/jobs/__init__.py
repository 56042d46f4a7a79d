"""Jobs: queued, recorded work that survives the death of its worker.

The database row is the truth. A worker claims the best queued row of its queues by compare-and-set, renews its lease
while it works, and publishes what it made in one transaction under that lease. A row whose lease is no longer renewed
is queued again. The room imports no archive: an application with work to do registers a kind.

What others use
---------------
``job_kinds.register(kind, work, *, publish=None, prepare=None, isolated=False, queue="cpu", once=False, priority=0)``
    Register the functions that do the jobs of a kind; called in an application's ``ready``.

    ``work(run)`` does a job: in a thread of the worker, or, if the kind is isolated, in a child process. The child is
    killed when the job is cancelled, takes too long or loses its lease, and its crash fails no other job. The work of
    an isolated kind is a function at the top of a module, writes files only below ``run.folder``, and writes no row.

    ``prepare(run)`` runs in the worker and returns what ``work`` needs of the rows; ``work`` reads it as
    ``run.inputs``.

    ``publish(run, result)`` runs in the worker, inside ``run.publishing()``, and writes the rows of what ``work``
    returned. The job succeeds in the same transaction, so that a result is published once. Files that it renames out
    of ``run.folder`` need names that are looked up only by way of the row. What ``publish`` returns (a small mapping)
    is kept as ``Job.result``; without ``publish``, what ``work`` returned.

    ``prepare``, ``work`` and ``publish`` hand over JSON. A pydantic model or a dataclass is turned into JSON, and the
    receiver validates it.

    ``once``: a second request for the same subject while one waits adds nothing. ``priority`` is the kind's default.
``submit.submit(kind, *, subject=0, params=None, priority=None, requested_by=None, time_limit_seconds=None,
memory_limit_bytes=None, queue=None) -> Job``
    Queue a job and wake the workers when the transaction commits. ``queue`` overrides the kind's own.
``submit.submit_batch(kind, items, *, ...the same...) -> Job``
    One job for each ``Item(subject, params)``, and a parent, which ends when they all have.
``submit.cancel(key)``, ``submit.retry(key)``
    Stop a job; begin it again with the same input. For a batch, ``cancel`` stops all children, and ``retry`` begins
    those again that failed or were cancelled.
``batches.totals(parent) -> Totals``
    The number of children in each state.
``watch.watch(key, *, seconds=...)``, ``watch.watch_async(key, ...)``
    Yield a `Job` now and after each change, until it is over.
``job_run.Run``
    The argument of ``work``, ``prepare`` and ``publish``: ``key``, ``subject``, ``params``, ``inputs``, ``folder``
    (empty, in the data folder, removed afterwards), ``progress(fraction, words)``, ``log(words)``, ``check()``,
    ``publishing()``, ``summary`` (the job's message when it is done). Words never hold a patient's value.
``attempts.attempt_job(key) -> bool``
    Claim one job and do it in this process: for tests. ``isolated.IN_PROCESS = True`` keeps isolated work here too.

Each module imports only modules below it; ``pyproject.toml`` has the order.
"""
