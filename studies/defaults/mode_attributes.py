"""Do library models hold attributes of a mode that must be set after loading?

The passage names two, such as ``training`` and ``is_training``, and one class that has one of them
is enough. Each is tried on a model that loads with the attribute as in training: two passes over
one input differ as long as it is left so, and agree once it is set.

``training`` is torch's own attribute of every module, tried on a BERT that is built anew and given
its weights, and on one from ``from_pretrained``, which the library has in eval mode already, so
that it needs no setting there. ``is_training`` is an attribute of the library's OneFormer, a model
that cuts images into parts: it comes from the configuration that was saved with the model, its
dropout listens to it instead of ``training``, and eval() does not set it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import torch, transformers
from studies.defaults.families import BERT, batch, build
from studies.load_loss.models import saved_pretrained

if TYPE_CHECKING:
    from torch import Tensor, nn

PIXELS, QUERIES, WORDS, LENGTH, TEXTS = 64, 6, 50, 8, 2
TRAINING, READY, IS_TRAINING = "training", "training, from_pretrained", "is_training"
ATTRIBUTE = Factor(
    "attribute",
    (TRAINING, READY, IS_TRAINING),
    words={
        TRAINING: "training of a BERT given its state_dict",
        READY: "training of a BERT from from_pretrained",
        IS_TRAINING: "is_training of a OneFormer from from_pretrained",
    },
)

CLAIMS = (
    Claim(
        "B-hf-1",
        Value("must_be_set").at(attribute=(TRAINING, IS_TRAINING)).always(),
        equals(1),
        reading="A model that is loaded has the attribute as in training; two passes over one "
        "input differ while it is left so, and agree once it is set. One class is enough.",
        headline={"attribute": IS_TRAINING},
    ),
    Beyond(
        "B-hf-1",
        Value("must_be_set").at(attribute=READY).always(),
        equals(1),
        why="a way of loading that sets the attribute itself",
    ),
    Beyond(
        "B-hf-1",
        Value("eval_sets").at(attribute=(TRAINING, IS_TRAINING)).always(),
        equals(1),
        why="whether eval() sets it, of which the passage does not speak",
        reading="eval() sets the attribute to False.",
    ),
    Control(
        "a model with the attribute set gives one answer",
        Value("set_differs").always(),
        equals(0),
    ),
)


def bert_given_weights() -> nn.Module:
    """A new BERT with the weights of another."""
    model = build(BERT)
    model.load_state_dict(build(BERT).state_dict())
    return model


def bert_from_pretrained() -> nn.Module:
    """A BERT that was saved and loaded by the library."""
    with saved_pretrained(build(BERT)) as folder:
        model: nn.Module = transformers.BertModel.from_pretrained(str(folder))
    return model


def oneformer_config() -> Any:  # noqa: ANN401 - a configuration of the library
    """A OneFormer's as in training, its sizes shrunk and its dropout as by default."""
    swin: Any = transformers.SwinConfig  # its signature does not say all that it takes
    backbone = swin(
        image_size=PIXELS,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        window_size=2,
        drop_path_rate=0.0,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    width = 64
    return transformers.OneFormerConfig(
        backbone_config=backbone,
        is_training=True,
        hidden_dim=width,
        mask_dim=width,
        conv_dim=width,
        encoder_feedforward_dim=width,
        dim_feedforward=width,
        num_attention_heads=2,
        encoder_layers=1,
        decoder_layers=2,
        num_queries=QUERIES,
        text_encoder_width=width,
        text_encoder_num_layers=1,
        text_encoder_vocab_size=WORDS,
        text_encoder_n_ctx=4,
        text_encoder_context_length=LENGTH,
        task_seq_len=LENGTH,
        query_dec_layers=1,
    )


def oneformers() -> tuple[nn.Module, nn.Module]:
    """A OneFormer saved in training and loaded as it is, and with its attribute set."""
    load = transformers.OneFormerModel.from_pretrained
    log: Any = transformers.utils.logging
    verbosity = log.get_verbosity()
    log.set_verbosity_error()  # one has a part that is of use in training only
    try:
        with saved_pretrained(transformers.OneFormerModel(oneformer_config())) as folder:
            return load(str(folder)), load(str(folder), is_training=False)
    finally:
        log.set_verbosity(verbosity)


def image_inputs(model: Any) -> dict[str, Tensor]:  # noqa: ANN401 - a model of the library
    """What a OneFormer sees: an image, a task, and texts if it takes them."""
    given = {
        "pixel_values": torch.randn(1, 3, PIXELS, PIXELS),
        "task_inputs": torch.randn(1, LENGTH),
    }
    if model.is_training:
        given["text_inputs"] = torch.randint(WORDS, (1, TEXTS, LENGTH))
    return given


def differs(model: nn.Module, inputs: dict[str, Tensor]) -> bool:
    """Whether two passes over one input give different answers, without gradients."""
    with torch.no_grad():
        first, second = (answer(model(**inputs)) for _ in range(2))
    return not torch.equal(first, second)


def answer(given: Any) -> Tensor:  # noqa: ANN401 - the output of a model of the library
    """The hidden states of a BERT, or the masks that a OneFormer predicts."""
    masks = "transformer_decoder_mask_predictions"
    found: Tensor = given[masks if masks in given else "last_hidden_state"]
    return found


def measure(block: Block, arm: Arm) -> Responses:
    """Load a model, look at its attribute, and repeat a pass before and after it is set."""
    if arm[ATTRIBUTE] == IS_TRAINING:
        left, ready = (model.to(block.device) for model in oneformers())
        name, inputs = IS_TRAINING, image_inputs(left)
        of_ready = image_inputs(ready)
    else:
        left = bert_from_pretrained() if arm[ATTRIBUTE] == READY else bert_given_weights()
        left = left.to(block.device)
        ready = copy.deepcopy(left).eval()
        name, inputs = TRAINING, {"input_ids": batch(BERT)}
        of_ready = inputs
    as_in_training = getattr(left, name) is True
    left_differs = differs(left, on(block.device, inputs))
    set_differs = differs(ready, on(block.device, of_ready))
    return {
        "must_be_set": float(as_in_training and left_differs and not set_differs),
        "left_differs": float(left_differs),
        "set_differs": float(set_differs),
        "eval_sets": float(getattr(left.eval(), name) is False),
    }


def on(device: str, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Inputs on a device."""
    return {name: tensor.to(device) for name, tensor in inputs.items()}


EXPERIMENT = Experiment(
    question="Do library models hold attributes of a mode that must be set after loading?",
    factors=(ATTRIBUTE,),
    responses=(
        Response("must_be_set", "yes/no", "passes differ until the attribute is set"),
        Response("left_differs", "yes/no", "as loaded, two passes over one input differ"),
        Response("set_differs", "yes/no", "with the attribute set, two passes differ"),
        Response("eval_sets", "yes/no", "eval() sets the attribute"),
    ),
    measure=measure,
    blocks=PerProfile(1, 3, 5),
    claims=CLAIMS,
    imports=("transformers",),
)
