"""The step that runs ONNX models."""
