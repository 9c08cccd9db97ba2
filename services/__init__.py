"""What runs: api, workers, page and command line. Settings are read here, parts wired here."""
