"""Latent spaces: projection, neighbours, near-duplicates, structure of one space, alignment of two."""
