"""The memory meter: each way of counting against sizes worked out by hand, and against the others.

In float32 a number takes 4 bytes; sizes below are written as products of numbers and bytes.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from harness.errors import HarnessError
from harness.meters import resident
from harness.meters.memory import allocator_peak, live_storage, resident_peak, saved_tensors
from harness.meters.storages import total_bytes
from harness.workloads.networks import encoder, tower

ROWS, WIDTH = 8, 16
ON_CUDA = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU"),
]
EACH_DEVICE = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=ON_CUDA)])


def leaf(*shape: int, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Tensor:
    """A tensor of positive numbers that gradients are wanted for."""
    return torch.rand(shape, dtype=dtype, device=device).add_(0.5).requires_grad_()


# --- saved_tensors


@pytest.mark.parametrize(
    ("operation", "count", "numbers"),
    [
        (torch.exp, 1, ROWS * WIDTH),  # its result
        (torch.relu, 1, ROWS * WIDTH),  # its result
        (torch.sin, 1, ROWS * WIDTH),  # its argument
        (lambda x: x * x, 2, ROWS * WIDTH),  # its argument twice: one storage
        (lambda x: x + x, 0, 0),
        (lambda x: x.sum(), 0, 0),
        (lambda x: x[2:], 0, 0),
        (lambda x: torch.exp(x)[:2].exp(), 2, ROWS * WIDTH + 2 * WIDTH),
        (lambda x: torch.sin(x[:2]), 1, ROWS * WIDTH),  # a view keeps the whole storage
    ],
)
@EACH_DEVICE
def test_an_operation_saves_what_its_derivative_needs(
    operation: Callable[[Tensor], Tensor], count: int, numbers: int, device: str
) -> None:
    x = leaf(ROWS, WIDTH, device=device)
    with saved_tensors() as saved:
        _result = operation(x)
    assert (saved.count, saved.bytes, saved.kept_bytes) == (count, 4 * numbers, 4 * numbers)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_sizes_are_those_of_the_type(dtype: torch.dtype) -> None:
    with saved_tensors() as saved:
        _result = leaf(3, dtype=dtype).exp()
    assert saved.bytes == 3 * dtype.itemsize


def test_a_linear_layer_saves_its_input_and_its_weight() -> None:
    layer, x = nn.Linear(WIDTH, 5), torch.rand(ROWS, WIDTH)
    with saved_tensors(owned=layer.parameters()) as saved:
        _result = layer(x)
    assert (saved.bytes, saved.owned_bytes) == (4 * ROWS * WIDTH, 0)  # x itself wants no gradient
    x.requires_grad_()
    with saved_tensors(owned=(tensor for tensor in [*layer.parameters(), x])) as saved:
        _result = layer(x)
    assert (saved.bytes, saved.owned_bytes) == (0, 4 * (ROWS * WIDTH + WIDTH * 5))
    assert (saved.count, saved.owned_count) == (0, 2)


def test_views_of_what_is_owned_are_owned() -> None:
    weight = leaf(ROWS, WIDTH)
    with saved_tensors(owned=[weight.detach()[:1]]) as saved:
        _result = weight.t().sin()
    assert (saved.bytes, saved.owned_bytes) == (0, 4 * ROWS * WIDTH)


def test_nothing_is_saved_without_gradients() -> None:
    with saved_tensors() as saved, torch.no_grad():
        encoder(2, WIDTH)(torch.rand(2, 3, WIDTH))
    assert (saved.count, saved.owned_count, saved.bytes, saved.owned_bytes) == (0, 0, 0, 0)


@EACH_DEVICE
def test_backward_gives_back_what_was_kept(device: str) -> None:
    x = leaf(ROWS, device=device)
    with saved_tensors() as saved:
        loss = x.exp().exp().sum()
        assert saved.kept_bytes == 2 * 4 * ROWS
        loss.backward()
        assert saved.kept_bytes == 0
    assert saved.bytes == 2 * 4 * ROWS


def test_a_graph_that_is_dropped_gives_back_what_was_kept_after_the_context_too() -> None:
    with saved_tensors() as saved:
        result = leaf(ROWS).exp()
    assert saved.kept_bytes == 4 * ROWS
    del result
    assert saved.kept_bytes == 0


def test_graphs_that_follow_each_other_count_once_and_graphs_that_pile_up_add_up() -> None:
    x = leaf(ROWS)
    with saved_tensors() as saved:
        for _ in range(3):
            x.exp()
    assert saved.bytes == 4 * ROWS
    with saved_tensors() as saved:
        _results = [x.exp() for _ in range(3)]
    assert saved.bytes == 3 * 4 * ROWS


def test_watching_changes_no_gradient() -> None:
    def gradient() -> Tensor:
        torch.manual_seed(0)
        net, x = encoder(2, WIDTH), torch.rand(2, 3, WIDTH)
        net(x).square().sum().backward()
        return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])

    plain = gradient()
    with saved_tensors(), live_storage():
        watched = gradient()
    assert torch.equal(plain, watched)


def test_a_tensor_without_storage_is_refused_by_its_layout() -> None:
    sparse = torch.eye(3).to_sparse().requires_grad_()
    with pytest.raises(HarnessError, match=r"torch\.sparse_coo has none"), saved_tensors():
        _result = sparse * sparse


# --- live_storage


@EACH_DEVICE
def test_a_chain_of_sums_holds_the_old_and_the_new(device: str) -> None:
    a, b = torch.ones(100, device=device), torch.ones(100, device=device)
    with live_storage() as live:
        x = a + b
        assert (live.bytes, live.peak_bytes) == (400, 400)
        x = x + b
        x = x + b
        del x
    assert (live.bytes, live.peak_bytes) == (0, 800)


def test_what_was_there_before_and_what_shares_its_storage_is_not_counted() -> None:
    a = torch.ones(100)
    with live_storage() as live:
        views = [a.view(10, 10), a[3:], a.t(), a.detach(), torch.from_numpy(np.ones(7))[2:]]
        a.add_(1)
        views.append(torch.as_tensor(np.ones(9)))
    assert (live.bytes, live.peak_bytes) == (0, 0)


def test_a_storage_lives_as_long_as_its_last_view() -> None:
    with live_storage() as live:
        view = torch.ones(100)[5:]
        assert live.bytes == 400
    del view
    assert live.bytes == 0


@pytest.mark.parametrize(
    ("make", "numbers"),
    [
        (lambda: torch.tensor([1.0, 2.0]), 2),
        (lambda: torch.empty(5), 5),
        (lambda: torch.add(torch.ones(6), 1, out=torch.empty(0)), 6),  # grows from nothing
        (lambda: torch.empty(3).resize_(11), 11),
        (lambda: torch.empty(0).set_(torch.UntypedStorage(16)), 4),
        (lambda: torch.ones(6).unbind(), 6),  # a tuple of views
        (lambda: torch.split_with_sizes_copy(torch.ones(6), [2, 4]), 6),  # two storages
    ],
)
def test_tensors_are_seen_however_they_are_made(make: Callable[[], object], numbers: int) -> None:
    with live_storage() as live:
        kept = make()
        assert live.bytes == 4 * numbers
    del kept


def test_a_planted_leak_is_seen() -> None:
    leak = []
    with live_storage() as live:
        for _ in range(10):
            x = torch.ones(100)
            leak.append(x * 2)
            del x
    assert (live.bytes, live.peak_bytes) == (10 * 400, 11 * 400)


@EACH_DEVICE
def test_backward_is_watched_too(device: str) -> None:
    """At the peak: y, and of backward's tensors two gradients at a time."""
    x = leaf(1000, device=device)
    with live_storage() as live:
        y = x.exp()  # 4000, saved
        y.backward(torch.ones_like(y))  # the ones, and the gradient that stays
        assert live.bytes == 2 * 4000
        assert live.peak_bytes == 3 * 4000
        del y
        assert live.bytes == 4000
    x.grad = None
    assert live.bytes == 0


def test_a_device_can_be_counted_by_itself() -> None:
    with live_storage(device="meta") as live:
        _here, _there = torch.ones(10), torch.ones(20, device="meta")
    assert live.bytes == 80


def test_fake_tensors_count_with_the_size_they_stand_for() -> None:
    def peak() -> tuple[int, int]:
        net, x = tower(2, WIDTH), torch.rand(4, WIDTH)
        with live_storage() as live:
            net(x).square().mean().backward()
        return live.bytes, live.peak_bytes

    with FakeTensorMode():
        fake = peak()
    assert fake == peak()


def test_the_peak_is_that_of_the_allocator_where_operations_allocate_only_their_results() -> None:
    net, x = encoder(2, WIDTH), torch.rand(4, 6, WIDTH)
    with allocator_peak("cpu") as allocator, live_storage() as live:
        net(x).square().mean().backward()
    assert live.peak_bytes == allocator.peak_bytes


def test_what_a_fused_operation_allocates_within_itself_is_left_to_the_allocator() -> None:
    """In eval mode, without gradients, a layer of the encoder is one operation."""
    net, x = encoder(2, WIDTH).eval(), torch.rand(4, 6, WIDTH)
    with torch.no_grad(), allocator_peak("cpu") as allocator, live_storage() as live:
        net(x)
    hidden = 4 * 6 * 4 * WIDTH * 4
    assert live.peak_bytes < allocator.peak_bytes
    assert allocator.peak_bytes >= hidden


# --- resident_peak


def grown_mebibytes(work: str) -> float:
    """Of a piece of work in a fresh process."""
    program = (
        "import numpy as np\n"
        "from harness.meters.memory import resident_peak\n"
        "with resident_peak() as resident:\n"
        f"    {work}\n"
        "print(resident.grown_bytes / 2**20)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's mark is set back on Linux only")
def test_memory_that_is_touched_is_seen_also_when_it_is_free_again() -> None:
    assert grown_mebibytes("np.ones(2**23)") == pytest.approx(64, abs=2)
    assert grown_mebibytes("np.empty(2**23)") == pytest.approx(0, abs=2), "never touched"


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked to give back")
def test_memory_that_the_c_library_has_kept_is_not_used_again_unseen() -> None:
    """Pieces below the size that glibc maps by itself stay in its heap, below one that lives."""
    program = (
        "import numpy as np\n"
        "from harness.meters.memory import resident_peak\n"
        "pieces = [np.ones(2**13) for _ in range(1024)]\n"
        "last = np.ones(2**13)\n"
        "del pieces\n"
        "with resident_peak() as resident:\n"
        "    pieces = [np.ones(2**13) for _ in range(1024)]\n"
        "print(resident.grown_bytes / 2**20)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert float(done.stdout) == pytest.approx(64, abs=2)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told how to allocate")
def test_with_blocks_mapped_singly_the_process_takes_what_the_allocator_hands_out() -> None:
    """Three ways of counting one step of training agree."""
    program = (
        "import torch\n"
        "from harness.meters.memory import allocator_peak, live_storage, resident_peak\n"
        "from harness.workloads.networks import tower\n"
        "from harness.meters.resident import map_blocks_singly\n"
        "map_blocks_singly()\n"
        "torch.set_num_threads(1)\n"
        "model, x = tower(8, 256), torch.rand(4096, 256)\n"
        "def step():\n"
        "    model(x).square().mean().backward()\n"
        "    model.zero_grad()\n"
        "step()\n"
        "for watch in (allocator_peak('cpu'), live_storage(), resident_peak()):\n"
        "    with watch as peak:\n"
        "        step()\n"
        "    print(getattr(peak, 'grown_bytes', peak.peak_bytes))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    allocated, live, taken = map(int, done.stdout.split())
    assert live == allocated
    assert taken == pytest.approx(allocated, rel=0.03)


def test_an_earlier_peak_does_not_count() -> None:
    np.ones(2**23)
    with resident_peak() as resident_now:
        np.ones(2**20)
    assert resident_now.exact == (sys.platform == "linux")
    assert resident_now.grown_bytes <= 10 * 2**20


def test_without_the_kernels_help_growth_is_that_above_the_highest_peak(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resident, "_PROCESS", tmp_path / "missing")
    with resident_peak() as first:
        large = np.ones(2**25)
    del large
    assert not first.exact
    assert first.grown_bytes > 0
    with resident_peak() as second:
        np.ones(2**20)
    assert second.grown_bytes == 0
    assert second.peak_bytes == first.peak_bytes


def test_a_system_that_does_not_tell_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resident, "_PROCESS", tmp_path / "missing")
    monkeypatch.setitem(sys.modules, "resource", None)
    with pytest.raises(HarnessError, match="does not tell"), resident_peak():
        pass


# --- allocator_peak


def test_the_allocator_of_the_cpu_sees_blocks_that_die_within_the_work() -> None:
    with allocator_peak("cpu") as peak:
        x = torch.ones(1000)
        y = x.exp()
        del x, y
        _z = torch.ones(10)
    assert (peak.start_bytes, peak.peak_bytes, peak.grown_bytes) == (0, 8000, 8000)
    assert np.isnan(peak.reserved_bytes), "the CPU reserves nothing"


def test_the_profiler_is_off_again_also_after_an_error() -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), allocator_peak("cpu"):
            _ = 1 / 0


@pytest.mark.parametrize("device", ["cuda", "tpu"])
def test_an_allocator_that_is_not_here_is_refused(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(HarnessError, match=f"'{device}' cannot be watched"), allocator_peak(device):
        pass


def test_on_cuda_the_counters_are_set_back_and_read_after_all_work_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []

    def recorded(name: str, value: int | None = None) -> None:
        def call() -> int | None:
            calls.append(name)
            return value

        monkeypatch.setattr(torch.cuda, name, call)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("synchronize", "empty_cache", "reset_peak_memory_stats"):
        recorded(name)
    recorded("memory_allocated", 100)
    recorded("max_memory_allocated", 300)
    recorded("max_memory_reserved", 512)
    with allocator_peak("cuda") as peak:
        calls.append("work")
    before, after = calls[: calls.index("work")], calls[calls.index("work") + 1 :]
    assert before == ["synchronize", "empty_cache", "reset_peak_memory_stats", "memory_allocated"]
    assert after == ["synchronize", "max_memory_allocated", "max_memory_reserved"]
    assert (peak.start_bytes, peak.peak_bytes, peak.grown_bytes) == (100, 300, 200)
    assert peak.reserved_bytes == 512


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
def test_on_cuda_the_allocator_counts_blocks_of_512_bytes() -> None:
    gc.collect()
    with allocator_peak("cuda") as peak, live_storage() as live:
        x = torch.ones(1, device="cuda")
        y = torch.ones(2**20, device="cuda")
        del x, y
    assert peak.grown_bytes == 512 + 4 * 2**20
    assert live.peak_bytes == 4 + 4 * 2**20
    assert peak.reserved_bytes >= peak.peak_bytes


# --- storages


def test_each_storage_counts_once_in_a_total() -> None:
    x = torch.ones(10)
    assert total_bytes([x, x[2:], {"again": (x,), "other": torch.ones(3)}, "text", 3]) == 40 + 12


def test_torch_keeps_one_python_object_a_storage_as_the_meter_relies_on() -> None:
    tensors = [torch.ones(1) for _ in range(1000)]
    first = [id(tensor.untyped_storage()) for tensor in tensors]
    gc.collect()
    assert len(set(first)) == 1000
    assert [id(tensor.view(1, 1).untyped_storage()) for tensor in tensors] == first


def test_importing_the_meter_needs_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, harness.meters.memory; print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
