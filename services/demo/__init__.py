"""The demo: real titles, a simulated audience, and keyart beside uniform and best fixed."""
