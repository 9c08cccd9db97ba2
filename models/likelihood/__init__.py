"""How likely takes are: Gamma-Poisson, the chance to be the best, calibration, groups."""
