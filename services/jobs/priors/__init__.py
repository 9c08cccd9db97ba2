"""Priors in service: fitted on the training log, scored for the catalogue, made current.

A prior lives in a folder under `<data_dir>/priors`, named by its version; its opinions of titles
live in the state store, where the api reads them. No model runs while a request waits.
"""
