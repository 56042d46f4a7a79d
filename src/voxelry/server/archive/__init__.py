"""Patients, studies, series, instances and stacks; files at rest; the jobs that ingest uploads and build volumes."""
