"""The language model's opinion: from logged decisions to a prior that serves.

`logs` and `prepare` turn decisions into examples, `training` post-trains on them, `scoring` reads
every option's probability from one forward pass, `export` writes ONNX that agrees with torch, and
`evaluation` says what the opinion is worth. Needs the extra `llm`; scoring an exported model needs
only `onnx`.
"""
