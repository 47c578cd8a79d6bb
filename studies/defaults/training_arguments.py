"""Which optimiser does transformers train with by default, and does a default smooth labels?

The defaults of ``TrainingArguments`` are read field by field; the trainer's own function turns them
into an optimiser's class. The default optimiser has changed its name twice: ``adamw_hf`` (4.20),
``adamw_torch`` (4.48) and, with torch 2.8 or later, ``adamw_torch_fused`` (4.57 and 5.23): all of
them are AdamW. Its weight decay is 0.0 in all of them, so that by default it decays nothing; the
passage names the optimiser only, and that is shown beside it.

How many classifiers are trained with label smoothing is a count over the field; what torch and
transformers do when they are told nothing is shown, and no evidence of use or of disuse.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

from harness import Fact, Unmeasurable, default_of, facts
from harness.libraries import transformers

ARGUMENTS = "transformers.TrainingArguments"
DECAYS = default_of(ARGUMENTS, "weight_decay")
SMOOTHS = default_of(ARGUMENTS, "label_smoothing_factor")
LOSS_SMOOTHS = default_of("torch.nn.CrossEntropyLoss", "label_smoothing")
_DEFAULT_ONLY = "a default of a library, which tells nothing of what recipes set"


def kind_of_optimiser(name: object) -> str:
    """The first word of an optimiser's name, whose rest says who made it: "adamw"."""
    return str(name).partition("_")[0]


def optimiser_class(**changes: object) -> str:
    """The class that transformers' trainer makes its optimiser of, with default arguments.

    The arguments themselves cannot be made without a further package; their defaults can be read.

    Args:
        **changes: arguments that are not left at their default.
    """
    fields = dataclasses.fields(transformers.TrainingArguments)
    known = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    given: Any = SimpleNamespace(**(known | changes))
    return str(transformers.Trainer.get_optimizer_cls_and_kwargs(given)[0].__name__)


EXPERIMENT = facts(
    "Which optimiser does transformers train with by default, and does a default smooth labels?",
    Fact(
        "D-adam-6",
        "the name of the default optimiser begins with adamw",
        lambda: kind_of_optimiser(default_of(ARGUMENTS, "optim")()),
        "adamw",
        lambda: kind_of_optimiser(transformers.training_args.OptimizerNames.SGD.value),
        headline=True,
    ),
    Fact(
        "D-adam-6",
        "the trainer makes an AdamW of the default arguments",
        optimiser_class,
        "AdamW",
        lambda: optimiser_class(optim="sgd"),
    ),
    Fact(
        "D-adam-6",
        "the default AdamW of the trainer decays weights",
        lambda: float(str(DECAYS())) > 0,
        True,
        lambda: float(str(default_of("torch.optim.SGD", "weight_decay")())) > 0,
        beyond="how much it decays: the words name the optimiser only",
    ),
    Fact(
        "D-adv-12",
        "torch's cross-entropy smooths labels by default",
        lambda: float(str(LOSS_SMOOTHS())) > 0,
        True,
        lambda: float(str(default_of("torch.optim.SGD", "momentum")())) > 0,
        beyond=_DEFAULT_ONLY,
    ),
    Fact(
        "D-adv-12",
        "transformers' trainer smooths labels by default",
        lambda: float(str(SMOOTHS())) > 0,
        True,
        lambda: float(str(default_of("torch.optim.SGD", "momentum")())) > 0,
        beyond=_DEFAULT_ONLY,
    ),
    more=(
        Unmeasurable(
            "D-adv-12",
            needs="a survey of the recipes that classifiers are trained with",
            why="how many models are trained with label smoothing is a count over the field, and "
            "no training run shows it.",
        ),
    ),
    imports=("transformers",),
)
