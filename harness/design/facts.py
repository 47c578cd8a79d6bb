"""Facts: what is found, what is claimed, and a case that must come out otherwise, a line each.

A fact is a claim that needs no interval: a default, a count, an exception, a printed text, the
result of a formula. Its counterexample is the same question about something for which the claimed
answer is wrong; where it agrees all the same, the comparison sees no difference, and the experiment
judges nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.design.claims import Beyond, Claim, Control, Rule, Unmeasurable
from harness.design.contrasts import Value
from harness.design.experiment import Experiment, Noted, Responses
from harness.design.factors import Arm, Block, Factor, PerProfile
from harness.design.regions import equals
from harness.design.responses import Response
from harness.errors import HarnessError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: A value, or a function of no argument that works it out when the fact is measured.
Source: TypeAlias = Any

CLAIMED, COUNTEREXAMPLE = "the claim", "a case that must differ"
CASE = Factor("case", (CLAIMED, COUNTEREXAMPLE), words={CLAIMED: ""})
AGREES = Response("agrees", "yes/no", "{fact}")


@dataclass(frozen=True)
class Fact:
    """One statement that a value settles.

    Args:
        id: the claim's.
        says: what is stated, in a few words that no other fact of the experiment has: "AdamW decays
            weights by 0.01".
        found: the value as it is, usually a function: ``default_of("torch.optim.AdamW",
            "weight_decay")``, ``lambda: len(loader)``.
        claimed: the value as the document has it, or an independent oracle for it.
        counterexample: a value of the same kind that the claimed one must differ from.
        within: how far numbers may lie apart (absolute).
        reading: how the words became this comparison, where ``says`` does not tell.
        headline: whether it stands for the claim where that has several facts.
        beyond: what the passage does not speak of, where it does not: the fact is shown, and
            decides nothing.
    """

    id: str
    says: str
    found: Source
    claimed: Source
    counterexample: Source
    within: float = 0.0
    reading: str = ""
    headline: bool = False
    beyond: str = ""

    def look(self, case: str) -> Responses:
        """Whether what is found is what is claimed, with both in words."""
        found = value_of(self.found if case == CLAIMED else self.counterexample)
        claimed = value_of(self.claimed)
        same = agree(found, claimed, self.within)
        seen, stated = in_words(found), in_words(claimed)
        told = "as claimed" if same and seen == stated else f"claimed {stated}"
        note = f"found {seen}, {told}"
        return {AGREES.name: Noted(float(same), note)}

    def rule(self) -> Claim | Beyond:
        """What is judged of it."""
        read = Value(AGREES.name).always().at(fact=self.says, case=CLAIMED)
        reading = self.reading or f"{self.says}: what is found is what is claimed."
        if self.beyond:
            return Beyond(self.id, read, equals(1.0), why=self.beyond, reading=reading)
        return Claim(self.id, read, equals(1.0), reading=reading, headline=self.headline)


def facts(
    question: str,
    *stated: Fact,
    more: Sequence[Rule | Unmeasurable] = (),
    needs: str = "cpu",
    imports: tuple[str, ...] = (),
    figures: tuple[Callable[[pd.DataFrame], Figure], ...] = (),
) -> Experiment[Block]:
    """An experiment that settles facts: each is looked at once, with its counterexample as control.

    Args:
        question: what they are about, in a sentence.
        stated: the facts.
        more: claims of the same theme that cannot be measured.
        needs: see ``Experiment``.
        imports: see ``Experiment``.
        figures: see ``Experiment``; a row's note says what was found.

    Raises:
        HarnessError: no fact, or two that say the same.
    """
    names = [fact.says for fact in stated]
    if not names or len(set(names)) != len(names):
        raise HarnessError(f"Facts need words that tell them apart: {names}.")
    by_name = {fact.says: fact for fact in stated}
    statement = Factor("fact", tuple(names))

    def measure(_: Block, arm: Arm) -> Responses:
        return by_name[arm[statement]].look(arm[CASE])

    differs = Value(AGREES.name).always().at(case=COUNTEREXAMPLE)
    control = Control("a counterexample differs", differs, equals(0.0))
    return Experiment(
        question=question,
        factors=(statement, CASE),
        responses=(AGREES,),
        measure=measure,
        blocks=PerProfile(1, 1, 1),
        claims=(*(fact.rule() for fact in stated), control, *more),
        needs=needs,
        imports=imports,
        figures=figures,
    )


def value_of(source: Source) -> object:
    """A source's value: what a function gives, or the source itself."""
    return source() if inspect.isroutine(source) or inspect.isfunction(source) else source


def agree(found: object, claimed: object, within: float = 0.0) -> bool:
    """Whether two values are the same: numbers within a distance, sequences item by item."""
    if isinstance(found, bool) or isinstance(claimed, bool):
        return found is claimed
    if isinstance(found, (int, float)) and isinstance(claimed, (int, float)):
        return math.isclose(found, claimed, rel_tol=0.0, abs_tol=within)
    if isinstance(found, (list, tuple)) and isinstance(claimed, (list, tuple)):
        pairs = zip(found, claimed, strict=False)
        return len(found) == len(claimed) and all(agree(a, b, within) for a, b in pairs)
    return type(found) is type(claimed) and bool(found == claimed)


def in_words(value: object) -> str:
    """A value as a note shows it: as Python writes it, its floats to twelve digits."""
    if isinstance(value, float):
        return f"{value:.12g}"
    if type(value) is list:
        return f"[{', '.join(map(in_words, value))}]"
    if type(value) is tuple:
        inside = ", ".join(map(in_words, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def default_of(path: str, name: str) -> Callable[[], object]:
    """The default of a parameter, read when it is asked for.

    Args:
        path: what has it, with its module: "torch.optim.AdamW", a function or a class.
        name: of the parameter, a dataclass's field, or an attribute of an instance made without
            arguments (as the configurations of transformers have).

    Raises:
        HarnessError: there is no such thing, or it has no such default.
    """

    def read() -> object:
        thing = named(path)
        with contextlib.suppress(ValueError, TypeError):
            parameter = inspect.signature(thing).parameters.get(name)
            if parameter is not None and parameter.default is not inspect.Parameter.empty:
                return parameter.default
        if dataclasses.is_dataclass(thing):
            for each in dataclasses.fields(thing):
                if each.name == name and each.default is not dataclasses.MISSING:
                    return each.default
        if inspect.isclass(thing):
            made = thing()
            if hasattr(made, name):
                return getattr(made, name)
        raise HarnessError(f"{path} has no default for {name!r}.")

    return read


def named(path: str) -> Any:  # noqa: ANN401 - whatever stands there
    """The thing a dotted path names, its module imported.

    Raises:
        HarnessError: there is none.
    """
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(thing, part):
                raise HarnessError(f"{'.'.join(parts[:cut])} has no {'.'.join(parts[cut:])}.")
            thing = getattr(thing, part)
        return thing
    raise HarnessError(f"There is no module {parts[0]!r} here.")


def printed(function: Callable[[], object]) -> Callable[[], str]:
    """What a function prints, as one text without the last new line."""

    def read() -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            function()
        return out.getvalue().rstrip("\n")

    return read


def raised(function: Callable[[], object]) -> Callable[[], str]:
    """The name of the exception that a function raises; empty where it raises none."""

    def read() -> str:
        try:
            function()
        except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
            return type(error).__name__
        return ""

    return read
