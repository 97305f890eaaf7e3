"""The network, its losses and settings, kNN retrieval, runs (one trained model each) and folders of runs."""
