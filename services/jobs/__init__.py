"""What is done and then done with: fit, score, import, erase, rebuild, back up, evaluate, load."""
