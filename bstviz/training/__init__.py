"""Training: folds of a setting, sweeps, baselines, zero-shot, the bundled models."""
