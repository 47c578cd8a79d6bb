"""What studies train and time: networks, training loops, data, texts, pretrained models."""

from harness.workloads.datasets import Name, Split, load_split
from harness.workloads.networks import (
    convnet,
    encoder,
    mlp,
    mlp_for,
    small_cnn,
    tower,
    trained_mlp,
)
from harness.workloads.pretrained import load_classifier, load_encoder, load_tokenizer
from harness.workloads.replicas import Replicas
from harness.workloads.texts import load_docstrings
from harness.workloads.timed import Work, forward_pass, tiny_operations, training_step
from harness.workloads.training import fit_classifier, train_epochs

__all__ = [
    "Name",
    "Replicas",
    "Split",
    "Work",
    "convnet",
    "encoder",
    "fit_classifier",
    "forward_pass",
    "load_classifier",
    "load_docstrings",
    "load_encoder",
    "load_split",
    "load_tokenizer",
    "mlp",
    "mlp_for",
    "small_cnn",
    "tiny_operations",
    "tower",
    "train_epochs",
    "trained_mlp",
    "training_step",
]
