"""New sounds: embed, classify, label whole libraries, search, novelty, explore a folder."""
