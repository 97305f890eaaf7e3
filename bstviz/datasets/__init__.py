"""Collections of sounds: the taxonomy, the folds, and a module for each source of sounds."""
