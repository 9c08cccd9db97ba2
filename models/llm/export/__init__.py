"""To ONNX, fp32 and quantised, with parity checked on real prompts and written down."""
