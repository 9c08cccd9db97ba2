"""Files that people bring, catalogues and tables of tests: one reader, one set of checks."""
