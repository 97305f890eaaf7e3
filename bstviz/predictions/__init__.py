"""What models predict, as files: read from any model, written, scored, submitted to the challenge, made a run."""
