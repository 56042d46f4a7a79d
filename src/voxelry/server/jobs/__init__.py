"""Jobs: queued, recorded work that survives the death of its worker.

The database row is the truth. A worker claims the best queued row of its queues by compare-and-set, renews its lease
while it works, and publishes what it made in one transaction under that lease. A row whose worker fell silent is
queued again. It knows no archive: whoever has work to do registers its kind.

What others use
---------------
``kinds.register(kind, work, *, publish=None, prepare=None, isolated=False, queue="cpu", once=False, priority=0)``
    Say who does the jobs of a kind. To be called in an application's ``ready``.

    ``work(run)`` does it. Of a kind that is not isolated it runs in a thread of the worker; of an isolated one in a
    child process, which dies when the job is cancelled, takes too long or loses its lease, and whose crash costs
    nobody else anything. ``work`` must then be a function at the top of a module, writes files only below
    ``run.folder`` and no row, and returns what JSON can hold.

    ``prepare(run)``, in the worker, returns JSON that ``work`` finds as ``run.inputs``: what it needs of the rows.

    ``publish(run, result)``, in the worker, inside ``run.publishing()``: writes the rows of what ``work`` returned.
    In the same transaction the job succeeds, so that a result is published once. Files that it renames out of
    ``run.folder`` need names that nobody looks up before the row is there. What it returns (JSON, small; a mapping)
    is kept as ``Job.result``; None keeps what ``work`` returned, if there is no ``publish``.

    ``once``: a second request for the same subject while one waits adds nothing. ``priority`` is the kind's default.
``submit.submit(kind, *, subject=0, params=None, priority=None, requested_by=None, time_limit_seconds=None,
memory_limit_bytes=None, queue=None) -> Job``
    A queued job, told to the workers when the transaction commits. ``queue``: another than the kind's own.
``submit.submit_batch(kind, items, *, ...the same...) -> Job``
    One job for each ``Item(subject, params)``, and a parent, which ends when they all have.
``submit.cancel(key)``, ``submit.retry(key)``
    Stop; begin again with the same input. Of a batch: all its children; those that failed or were cancelled.
``batches.totals(parent) -> Totals``
    How many of its children stand where.
``watch.watch(key, *, seconds=...)``, ``watch.watch_async(key, ...)``
    Yield a `Job` now and whenever it has changed, until it is over.
``run.Run``
    What ``work``, ``prepare`` and ``publish`` are handed: ``key``, ``subject``, ``params``, ``inputs``, ``folder``
    (empty, in the data folder, removed afterwards), ``progress(fraction, words)``, ``log(words)``, ``check()``,
    ``publishing()``, ``summary`` (the job's message when it is done). Words never hold a patient's value.
``attempts.run(key) -> bool``
    Claim one job and do it here: for tests. ``isolated.IN_PROCESS = True`` keeps isolated work in this process.

A ladder; each module imports only those before it (``pyproject.toml`` has the order).
"""
