"""What runs and stays: serve and its family, api, steps, worker, housekeeping."""
