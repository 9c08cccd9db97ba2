"""What models learn from: the training log and tables of tests as examples, split and weighted."""
