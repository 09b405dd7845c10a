"""Steps of a model timed on a GPU, without the model: layers of its widths with random weights (docs/gpu-steps.md).

In comes a model shape; out come a step log that `blis fit` reads and the shares of the GPU's peaks that were reached.
`plan.py` says which steps, `sizes.py` what one GPU has of the model; only `layers.py` and `timer.py` need PyTorch.
"""
