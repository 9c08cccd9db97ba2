"""Settings and what is made of them: checks, ports, logging, metrics. All else is given parts."""
