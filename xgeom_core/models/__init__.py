"""Networks, what goes into them, and their files.

Nothing here is imported by name from the package itself: `registry`, `torch_model` and
`onnx_export`, and the architectures beside them, need torch; `store` and `inference` answer without it.
"""
