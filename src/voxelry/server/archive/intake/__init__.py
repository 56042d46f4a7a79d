"""The ways in for instances: uploads, STOW-RS, and the job that takes files in."""
