"""Model cards: what a model learned from, how good it is, and where it is not, for whoever is handed it."""
