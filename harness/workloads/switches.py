"""The bugs as switches of the one loop: each changes exactly one thing, and they combine."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Switches:
    """What a training run does wrong; with all of them off it is correct.

    Attributes:
        keep_gradients: gradients are not reset between steps.
        evaluate_in_train_mode: the evaluation does not switch to eval mode.
        train_in_eval_mode: the training does not switch back to train mode after an evaluation.
        keep_outputs: outputs are stored with their graphs, before the backward pass.
        stale_optimiser: after freezing, the optimiser keeps the parameters that were frozen.
        leak: rows of the validation set stand among those trained on.
        loss_on_cpu: outputs and targets are brought to the CPU before the loss.
    """

    keep_gradients: bool = False
    evaluate_in_train_mode: bool = False
    train_in_eval_mode: bool = False
    keep_outputs: bool = False
    stale_optimiser: bool = False
    leak: bool = False
    loss_on_cpu: bool = False

    @classmethod
    def of(cls, *names: str) -> Switches:
        """The run with the bugs of these names.

        Raises:
            TypeError: there is no such bug.
        """
        return cls(**dict.fromkeys(names, True))


#: Every bug by its name.
BUGS = tuple(field.name for field in fields(Switches))
CORRECT = Switches()
