"""Networks that keep, change or need something that is out of the ordinary."""

from collections import deque

import numpy as np
import torch
from torch import nn


class Around(nn.Module):
    """A network inside another one."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * self.network(x)


class AssignsBuffer(Around):
    """The state of BEGAN, say: assigned and not written in place."""

    def __init__(self, network):
        super().__init__(network)
        self.register_buffer("k", torch.zeros(()))

    def forward(self, x):
        out = super().forward(x)
        self.k = (self.k + 0.01 * out.detach().abs().mean()).clamp(0, 1)
        return (1 - self.k) * out


class WritesBuffer(AssignsBuffer):
    def forward(self, x):
        out = Around.forward(self, x)
        self.k.copy_((self.k + 0.01 * out.detach().abs().mean()).clamp(0, 1))
        return (1 - self.k) * out


class AssignsParameter(Around):
    def forward(self, x):
        out = super().forward(x)
        self.scale = nn.Parameter(0.9 * self.scale.detach())
        return out


class WritesParameter(Around):
    def forward(self, x):
        with torch.no_grad():
            self.scale.mul_(0.9)
        return super().forward(x)


class Counts(Around):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) / self.calls


class Appends(Around):
    def __init__(self, network):
        super().__init__(network)
        self.history = {"calls": []}

    def forward(self, x):
        self.history["calls"].append(0)
        return super().forward(x) / len(self.history["calls"])


class NewBuffer(Around):
    def forward(self, x):
        self.register_buffer("late", torch.zeros(()))
        return super().forward(x)


class GrowsBuffer(AssignsBuffer):
    def forward(self, x):
        self.k = self.k.flatten().repeat(2)
        return Around.forward(self, x)


class ChangesType(Around):
    def __init__(self, network):
        super().__init__(network)
        self.register_buffer("k", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        self.k = 0.9 * self.k + 1.0
        return super().forward(x) * self.k


class AllFrozen(Around):
    def __init__(self, network):
        super().__init__(network)
        self.requires_grad_(False)


class Frozen(Around):
    """Random features."""

    def __init__(self, network):
        super().__init__(network)
        self.features = nn.Linear(1, 4).requires_grad_(False)

    def forward(self, x):
        return self.features(super().forward(x)).sum(dim=-1, keepdim=True)


class MovesFrozen(Frozen):
    """A slow copy, as of a target network."""

    def forward(self, x):
        with torch.no_grad():
            self.features.weight.mul_(0.9)
        weight = self.features.weight.clone()  # autograd keeps what it used
        out = nn.functional.linear(Around.forward(self, x), weight, self.features.bias)
        return out.sum(dim=-1, keepdim=True)


class SinglePrecision(Around):
    def forward(self, x):
        return super().forward(x.float())


class RemembersShape(Around):
    def forward(self, x):
        self.shape = tuple(x.shape[1:])
        return super().forward(x)


class AppendsToQueue(Around):
    def __init__(self, network):
        super().__init__(network)
        self.queue = deque(maxlen=100)

    def forward(self, x):
        self.queue.append(0)
        return super().forward(x) / len(self.queue)


class ReplacesObject(Around):
    def forward(self, x):
        self.cache = object()
        return super().forward(x)


class KeepsTensor(Around):
    def __init__(self, network):
        super().__init__(network)
        self.factor = torch.tensor(2.0)


class LooksAtValue(Around):
    def __init__(self, network):
        super().__init__(network)
        self.factor = torch.tensor(2.0).item()


class Branches(Around):
    def forward(self, x):
        out = super().forward(x)
        return out if out.mean() > 0 else 2 * out


class UsesNumPy(Around):
    def forward(self, x):
        return super().forward(torch.from_numpy(np.tanh(x.detach().numpy())))


class Lazy(Around):
    def __init__(self, network):
        super().__init__(network)
        self.last = nn.LazyLinear(1)

    def forward(self, x):
        return self.last(super().forward(x))


class Dropout(Around):
    def forward(self, x):
        return nn.functional.dropout(super().forward(x))


class Recurrent(Around):
    def __init__(self, network):
        super().__init__(network)
        self.gru = nn.GRU(1, 1, batch_first=True)

    def forward(self, x):
        steps = super().forward(x)[:, None].expand(-1, 3, -1)
        return self.gru(steps)[0][:, -1]
