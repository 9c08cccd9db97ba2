"""The loop closes, in the demo: drift, retraining, gate, canary, on a site in simulated time."""
