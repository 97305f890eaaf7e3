"""The 64-d latent space: projection, neighbours, structure of one space, alignment of two."""
