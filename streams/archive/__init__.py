"""The log on disk: Parquet by day, the training log of rewards among it."""
