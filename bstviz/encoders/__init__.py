"""Encoders: sounds and words to embeddings, a module each; the registry knows them by name."""
