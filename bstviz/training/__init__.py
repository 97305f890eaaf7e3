"""Training: fitting networks, folds of a setting, presets and sweeps, baselines, zero-shot, the bundled models."""
