"""What is believed of every artwork: level of its title, prior to the power of trust, own part."""
