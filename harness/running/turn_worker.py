"""One of three processes that take turns, run by its path in whatever interpreter is compared.

That interpreter need not have this project: nothing is imported here but the standard library and,
when it is asked for, torch. A request is a line of JSON on standard input, its answer a line of
JSON on what was standard output; what a benchmark prints goes to standard error. Between two
requests this process waits for the pipe and uses no core and no GPU.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import random
import re
import sys
import time
from contextlib import redirect_stdout, suppress
from functools import reduce
from itertools import repeat
from mmap import mmap
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from types import ModuleType
from typing import Any, Callable  # noqa: UP035 - older interpreters are compared, too

#: Chunks before the number of calls is fixed, at least: no first call is typical.
WARMUP_CHUNKS = 2
#: Linux's name for "no random addresses" (``setarch --addr-no-randomize``), and for "tell only".
ADDR_NO_RANDOMIZE, TELL = 0x0040000, 0xFFFFFFFF
#: Tells a process that it was started anew already.
ANEW = "REGRESS_STARTED_ANEW"
#: A layout leaves out up to so many pages, and so many pieces of 16 bytes of the heap.
MOST_PAGES, MOST_PIECES = 1 << 14, 1 << 12
#: Everything a chunk needs is called by its own name: an attribute would be looked up in it.
clock = time.perf_counter


class Worker:
    """The benchmark under way, and what the device needs of this process.

    Attributes:
        answers: where answers go.
        requests: where requests come from.
    """

    def __init__(self, requests: Any, answers: Any) -> None:  # noqa: ANN401 - text streams
        self.requests, self.answers = requests, answers
        self.work: Callable[[], Any] | None = None
        self.synchronise: Callable[[], object] = _nothing
        self.device = "cpu"
        self.cores: set[int] = set()
        self.left_out: list[Any] = []

    def serve(self, until: str = "") -> None:
        """Answer requests until there are no more, or one of this name has been answered."""
        for line in iter(self.requests.readline, ""):
            began = clock()
            request = json.loads(line)
            try:
                answer = getattr(self, "do_" + request.pop("do"))(**request)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - what a benchmark raises is a finding
                answer = {"error": _sentence(error)}
            answer["busy"] = clock() - began
            self.answers.write(json.dumps(answer) + "\n")
            self.answers.flush()
            if until and until in answer:
                return

    def do_open(
        self,
        *,
        device: str,
        threads: int,
        packages: dict[str, str],
        keeps_own: bool,
        settings: dict[str, Any],
        defaults: dict[str, str],
        variables: str,
        layout: int = 0,
    ) -> dict[str, Any]:
        """Import torch, make this process ready, and prove what it runs.

        Args:
            device: "cpu" or "cuda".
            threads: of torch, inside an operation.
            packages: folders by the names of packages that benchmarks import from there.
            keeps_own: whether this interpreter's own packages of these names come first.
            settings: defaults to set, by their names.
            defaults: settings of torch that can change a number: where each stands.
            variables: a regular expression of environment variables that can.
            layout: the seed of where things lie in memory: it is the same for all sides of a trio.
        """
        self.left_out = _lay_out(layout)
        for name, folder in packages.items():
            _take(name, folder, keeps_own)
        import torch

        for name, value in settings.items():
            _set(torch, name, defaults.get(name, name), value)
        found = _defaults(torch, defaults)  # before the number of threads is ours
        torch.set_num_threads(threads)
        self.device = device
        if hasattr(os, "sched_getaffinity"):  # Linux
            self.cores = os.sched_getaffinity(0)
        card: dict[str, Any] = {}
        if device == "cuda":
            self.synchronise = torch.cuda.synchronize
            card = _card(torch)
        gc.disable()
        _freeze()
        return {
            "python": platform.python_version(),
            "interpreter": from_home(sys.executable),
            "torch": str(torch.__version__),
            "torch_file": from_home(str(torch.__file__)),
            "build": str(torch.version.git_version),
            "build_settings": hashlib.sha256(torch.__config__.show().encode()).hexdigest()[:12],
            "cuda": str(torch.version.cuda or ""),
            "addresses": "random" if _has_random_addresses() else "fixed",
            "device": device,
            "threads": torch.get_num_threads(),
            "files": {name: from_home(str(sys.modules[name].__file__)) for name in packages},
            "packages": _packages(),
            "requires": _requires() if keeps_own else {},
            "defaults": found,
            "environment": {n: v for n, v in sorted(os.environ.items()) if re.match(variables, n)},
            **card,
        }

    def do_prepare(self, file: str, name: str, seed: int) -> dict[str, Any]:
        """Build a benchmark's work; all three sides draw the same numbers for it."""
        import torch

        torch.manual_seed(seed)
        self.work = getattr(_module(file), name)(self.device)
        return self._made_ready()

    def _made_ready(self) -> dict[str, Any]:
        self.synchronise()
        gc.freeze()  # what is there before the chunks need not be looked at between them
        return {"ready": True}

    def do_warm(self, seconds: float) -> dict[str, Any]:
        """Call the work until it is known how many calls fill a chunk.

        Args:
            seconds: of a chunk.
        """
        calls, done = 1, 0
        while True:
            took = self._time(calls)
            done += 1
            if took >= seconds and done >= WARMUP_CHUNKS:
                return {"seconds": took / calls}
            if took < seconds:
                # Not more than tenfold at a time: the first calls tell little.
                calls = min(max(int(calls * seconds / max(took, 1e-9)) + 1, calls + 1), 10 * calls)

    def do_turn(self, calls: int, untimed: int, core: int | None = None) -> dict[str, Any]:
        """A chunk: some calls in a row, after some that warm what another process has cooled.

        Args:
            calls: that are timed.
            untimed: before them.
            core: to run on, where all sides are to run on the same.
        """
        if core is not None and len(self.cores) > 1:
            os.sched_setaffinity(0, {core})
        gc.collect()
        self._time(untimed)
        before = _switches()
        seconds = self._time(calls) / calls
        return {"seconds": seconds, "preempted": _switches() > before}

    def do_weigh(self) -> dict[str, Any]:
        """The number that the work returns."""
        gc.collect()
        return {"amount": float(self._work()())}

    def do_drop(self) -> dict[str, Any]:
        """Let go of the work, and of the card's memory that it took."""
        self.work = None
        if self.cores:  # what is built next may use them all
            os.sched_setaffinity(0, self.cores)
        gc.collect()
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()
        return {"dropped": True}

    def do_collect(self, paths: list[str]) -> dict[str, Any]:
        """The names of a suite's tests that use pytest-benchmark's fixture; why others do not."""
        suite = _Suite(self)
        code = _pytest([*paths, "--collect-only"], suite)
        return {"tests": suite.tests, "skipped": suite.skipped, "code": code}

    def do_test(self, test: str, seed: int) -> dict[str, Any]:
        """Run a test; what it gives to the fixture ``benchmark`` becomes the work.

        Requests are answered from inside the fixture until the work is dropped, and the test goes
        on then; what is returned here comes after that.
        """
        import torch

        torch.manual_seed(seed)
        suite = _Suite(self)
        code = _pytest([test], suite)
        if not suite.used and not suite.problem:
            suite.problem = f"the test did not use the fixture benchmark (pytest said {code})"
        return {"error": suite.problem} if suite.problem else {"ended": True}

    def _work(self) -> Callable[[], Any]:
        if self.work is None:
            raise RuntimeError("there is no work")
        return self.work

    def _time(self, calls: int) -> float:
        """Seconds that so many calls take, between two synchronisations of the device."""
        work, synchronise = self._work(), self.synchronise
        synchronise()
        started = clock()
        for _ in repeat(None, calls):
            work()
        synchronise()
        return clock() - started


class _Suite:
    """A plug-in of pytest: its fixture ``benchmark`` lets the work take turns."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.tests: list[str] = []
        self.skipped: dict[str, str] = {}
        self.used = False
        self.problem = ""

    def pytest_load_initial_conftests(self, early_config: Any) -> None:  # noqa: ANN401 - pytest's own
        """What a suite adds to the path comes last: each side runs what is installed there."""
        with suppress(ValueError, KeyError):  # an old pytest has no such setting
            for path in map(str, early_config.getini("pythonpath")):
                sys.path[:] = [*(other for other in sys.path if other != path), path]

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        from _pytest.skipping import evaluate_skip_marks  # pytest tells it in no other way

        for item in (item for item in items if "benchmark" in item.fixturenames):
            skip = evaluate_skip_marks(item)
            if skip is None:
                self.tests.append(item.nodeid)
            else:
                self.skipped[item.nodeid] = skip.reason

    def pytest_exception_interact(self, call: Any) -> None:  # noqa: ANN401 - pytest's own
        self.problem = self.problem or _sentence(call.excinfo.value)

    def take_turns(self, work: Callable[[], Any]) -> None:
        """Answer that the work is ready, and serve until it is dropped."""
        worker = self.worker
        worker.work, self.used = work, True
        answer = {**worker._made_ready(), "busy": 0.0}  # noqa: SLF001 - the plug-in is its part
        worker.answers.write(json.dumps(answer) + "\n")
        worker.answers.flush()
        worker.serve(until="dropped")


class _Fixture:
    """What of pytest-benchmark's fixture a test may use."""

    def __init__(self, suite: _Suite) -> None:
        self.suite = suite
        self.group: str | None = None
        self.name = ""
        self.extra_info: dict[str, Any] = {}
        self.enabled = True

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever a test gives
        self.suite.take_turns(lambda: function(*args, **kwargs))
        return function(*args, **kwargs)

    def pedantic(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        setup: Callable[[], Any] | None = None,
        **_: Any,  # noqa: ANN401 - rounds and iterations are ours
    ) -> Any:  # noqa: ANN401 - what the target returns
        """The same; how often it is called is not the test's to say here."""
        if setup is not None:
            raise NotImplementedError("a benchmark with setup= cannot take turns in chunks")
        return self(target, *args, **(kwargs or {}))


def _pytest(arguments: list[str], suite: _Suite) -> int:
    import pytest

    def benchmark() -> _Fixture:
        return _Fixture(suite)

    # pytest takes fixtures from modules and classes, and hooks from any object.
    fixtures = ModuleType("turns")
    fixtures.benchmark = pytest.fixture(benchmark)  # type: ignore[attr-defined]
    quiet = ["-q", "-p", "no:benchmark", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
    quiet += ["-o", "addopts=", "-o", "timeout=0", "-W", "ignore::pytest.PytestConfigWarning"]
    with redirect_stdout(sys.stderr):
        return int(
            pytest.main([*arguments, *quiet, "--import-mode=importlib"], plugins=[suite, fixtures])
        )


_MODULES: dict[str, Any] = {}


def _module(file: str) -> Any:  # noqa: ANN401 - whatever the file defines
    """A file of benchmarks, imported once."""
    if file not in _MODULES:
        spec = importlib.util.spec_from_file_location("benchmarks_under_test", file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module.__name__] = module
        spec.loader.exec_module(module)
        _MODULES[file] = module
    return _MODULES[file]


def _take(name: str, folder: str, keeps_own: bool) -> None:
    """Import a package from a folder, which is not left to be searched for others."""
    if keeps_own and importlib.util.find_spec(name) is not None:
        importlib.import_module(name)
        return
    sys.path.insert(0, folder)
    importlib.import_module(name)
    sys.path.remove(folder)


def from_home(path: str) -> str:
    """A path that may be published: who is at home there is nobody's business."""
    home = os.path.expanduser("~")  # noqa: PTH111 - there may be none, and that is no error
    return f"~{path[len(home) :]}" if len(home) > 1 and path.startswith(home + os.sep) else path


def _packages() -> dict[str, str]:
    """The version of every installed package, for an indirect one can change a number too.

    Names of folders say as much as the files in them, which take a third of a second to read.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        with suppress(OSError):
            for entry in os.listdir(folder or "."):  # noqa: PTH208 - names are enough
                name, dash, version = entry.removesuffix(".dist-info").rpartition("-")
                if dash and entry.endswith(".dist-info"):
                    found.setdefault(name.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))


def _requires() -> dict[str, str]:
    """What the packages that are installed for this side alone ask for, by name."""
    found: dict[str, set[str]] = {}
    for path in Path(sys.prefix).glob("lib/python*/site-packages/*.dist-info/METADATA"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            asked = re.match(r"Requires-Dist: *([\w.-]+) *(.*)", line)
            if asked:
                found.setdefault(asked[1].lower().replace("_", "-"), set()).add(asked[2])
    return {name: " or ".join(sorted(forms)) for name, forms in sorted(found.items())}


def _defaults(torch: Any, places: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401 - the module
    found = {}
    for name, path in places.items():
        with suppress(AttributeError, RuntimeError, AssertionError):
            value = reduce(getattr, path.split("."), torch)
            value = value() if callable(value) else value
            found[name] = value if isinstance(value, (bool, int, float, str)) else str(value)
    return found


def _set(torch: Any, name: str, path: str, value: Any) -> None:  # noqa: ANN401 - the module, a setting
    """Give a setting of torch a value."""
    if name == "dtype":
        torch.set_default_dtype(getattr(torch, str(value).rpartition(".")[2]))
    elif name == "float32_matmul_precision":
        torch.set_float32_matmul_precision(value)
    elif name == "deterministic_algorithms":
        torch.use_deterministic_algorithms(value)
    elif name.endswith("_sdp"):
        getattr(torch.backends.cuda, f"enable_{name}")(value)
    elif name == "foreach_devices":
        _replace_foreach(torch, path, re.findall(r"\w+", str(value)))
    else:
        holder, attribute = _held(torch, path)
        if callable(getattr(holder, attribute, None)):
            raise ValueError(f"{name} cannot be set from outside")
        setattr(holder, attribute, value)


def _replace_foreach(torch: Any, path: str, kinds: list[str]) -> None:  # noqa: ANN401 - the module
    """Let optimisers take these kinds of devices for those that they work on all at once.

    Torch has no switch for it, and its optimisers know the function by a name of their own.
    """
    home, attribute = _held(torch, path)
    for holder in (home, sys.modules[torch.optim.Optimizer.__module__]):
        setattr(holder, attribute, lambda: list(kinds))


def _held(torch: Any, path: str) -> tuple[Any, str]:  # noqa: ANN401 - the module
    """What holds a setting, and the setting's name there."""
    owner, _, attribute = path.rpartition(".")
    return (reduce(getattr, owner.split("."), torch) if owner else torch), attribute


def _card(torch: Any) -> dict[str, Any]:  # noqa: ANN401 - the module
    """The GPU, and how much of its memory is free beside the contexts of all three."""
    free, total = torch.cuda.mem_get_info()
    return {
        "card": torch.cuda.get_device_name(0),
        "card_free_bytes": int(free),
        "card_total_bytes": int(total),
    }


def _has_random_addresses() -> bool:
    """Whether the system may put this process's memory elsewhere than that of one just like it."""
    found = _personality(TELL)
    return found < 0 or not found & ADDR_NO_RANDOMIZE


def _personality(wanted: int) -> int:
    """Linux's call of that name; 0 where there is none, -1 where it is refused."""
    try:
        import ctypes

        return int(ctypes.CDLL(None).personality(ctypes.c_ulong(wanted)))
    except (ImportError, AttributeError, OSError, TypeError):  # no ctypes, or no Linux
        return 0


def _start_anew() -> None:
    """Begin again without random addresses, if the system lets a process do so.

    Where code and data lie decides how they share the caches of a core. For a benchmark of many
    small operations that makes one process faster or slower than another of the same program by
    1 to 2 %, as long as both live.
    """
    if ANEW in os.environ or not _has_random_addresses():
        return
    if _personality(max(_personality(TELL), 0) | ADDR_NO_RANDOMIZE) < 0:
        return
    if _has_random_addresses():
        return
    os.environ[ANEW] = "1"
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - itself


def _lay_out(seed: int) -> list[Any]:
    """Take memory that is never used, so that all that comes after lies elsewhere.

    What all processes of a comparison had in common would else be one layout, by whose luck one
    side may be favoured in every block.

    Returns:
        What has to be held as long as the process lives.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    pages, pieces = draw.randrange(1, MOST_PAGES), draw.randrange(1, MOST_PIECES)
    return [mmap(-1, 4096 * pages), bytearray(16 * pieces)]


def _switches() -> int:
    """How often the system has taken the core from this process for another one."""
    return getrusage(RUSAGE_SELF).ru_nivcsw


def _freeze() -> None:
    gc.collect()
    gc.freeze()


def _nothing() -> None:
    """A CPU is done when a call returns."""


def _sentence(error: BaseException) -> str:
    """The error in one line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 500 else text[:500] + "..."


def main() -> None:
    """Serve until nobody asks any more."""
    _start_anew()
    # Beside this file lie modules of other names that a benchmark may mean.
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [path for path in sys.path if path != here]
    with os.fdopen(os.dup(0), "r") as requests, os.fdopen(os.dup(1), "w") as answers:
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.dup2(2, 1)
        Worker(requests, answers).serve()
    # What was left to be tidied up is; taking torch apart, module by module, helps nobody and
    # takes a fifth of a second, for which the next trio waits.
    atexit._run_exitfuncs()  # noqa: SLF001 - as multiprocessing does at the end of a child
    os._exit(0)


if __name__ == "__main__":
    main()
