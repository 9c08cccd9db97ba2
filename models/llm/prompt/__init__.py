"""An example in words and in tokens: template, marks, bounds."""
