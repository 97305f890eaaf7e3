"""How good predictions are: metrics, calibration, confusion, classes, pooling over folds, paired tests, leakage."""
