"""PyTorch's graph as data, and any way as a function that PyTorch differentiates."""
