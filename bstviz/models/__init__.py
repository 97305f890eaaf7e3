"""The network, its losses and settings, kNN retrieval, and runs: one trained model each."""
