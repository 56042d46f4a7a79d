"""Steps as jobs: what was asked for, with which series and parameters, and what came of it.

A request is checked and becomes a `Process` row and a job of the kind ``step``. The job's work runs in a child process:
it reads the archive's volumes, runs the step and writes results aside. The worker then publishes them in the
transaction in which the job succeeds: new series of the study, rows, files.
"""
