"""Heavy libraries that a study file may name at its top without paying for them.

Judging, drawing and publishing import the study files for their claims and figures, and must work
on a machine without torch. A deferred module is imported on its first attribute access, which
happens inside ``prepare`` and ``measure`` only. Type checkers see the real modules.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    import torch
    import transformers
    from torch import nn
    from torch.nn import functional
else:

    class DeferredModule:
        """A stand-in that imports the module it is named after when it is first used.

        Training loops ask it for something a million times: it is no ``ModuleType``, which takes
        three times as long to find that it lacks an attribute (1.6 and 0.47 us in one run).
        """

        def __init__(self, name: str) -> None:
            self.__name__ = name
            self._module: ModuleType | None = None

        def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401 - whatever the module holds
            if attribute.startswith("__") and attribute != "__version__":
                # Introspection (inspect, doctest, copy) must not load a gigabyte of libraries.
                raise AttributeError(attribute)
            if self._module is None:
                self._module = _imported(self.__name__)
            return getattr(self._module, attribute)

    def _imported(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as missing:
            library = name.partition(".")[0]
            raise HarnessError(
                f"This needs {library}, which is not installed here ({missing}). Install it, "
                "or use a command that works from stored rows: judge, draw, ledger."
            ) from missing

    torch = DeferredModule("torch")
    nn = DeferredModule("torch.nn")
    functional = DeferredModule("torch.nn.functional")
    transformers = DeferredModule("transformers")

__all__ = ["functional", "nn", "torch", "transformers"]
