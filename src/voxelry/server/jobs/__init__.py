"""Jobs: queued, recorded work that survives the death of its worker.

A ladder; each module imports only those before it: models, run, folder, tasks, submit, sweep, admin. It knows
no archive: whoever has work to do registers a handler for its kind (`voxelry.server.jobs.run.register`).
"""
