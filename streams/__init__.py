"""What moves: pure steps, ports, and the drivers and stores behind them."""
