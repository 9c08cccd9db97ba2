"""Interest clusters: titles grouped by what is said of them, named, and frozen."""
