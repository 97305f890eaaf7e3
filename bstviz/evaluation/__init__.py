"""How good predictions are: metrics, calibration, confusion, classes, out-of-fold predictions, paired tests, leakage."""
