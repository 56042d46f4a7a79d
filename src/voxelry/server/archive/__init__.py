"""What was uploaded: patients, studies, series, instances, stacks; files at rest; ingest and build."""
