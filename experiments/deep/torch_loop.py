"""PreActResNet-18 with GroupNorm trained by PyTorch, SGD and SAM: run beside ours by `gpu`, for speed alone.

    python experiments/deep/torch_loop.py --batch 128 512 --steps 60 --rounds 5

prints one JSON object: images per second of each batch size and method, all rounds. Channels last, compiled
where there is a GPU, bf16 autocast, weights and norms in single precision; data, crops and flips on the
device; fused SGD with momentum; SAM's two passes on the same batch with one global norm (foreach). It imports
nothing of ours, so that any Python with PyTorch can run it.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional

CROP = 4
GAMMA, MOMENTUM, DECAY = 0.1, 0.9, 5e-4


def norm(channels):
    return nn.GroupNorm(min(32, channels // 2), channels)


def convolution(size, inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norms = nn.ModuleList([norm(inputs), norm(outputs)])
        self.first, self.second = convolution(3, inputs, outputs, stride), convolution(3, outputs, outputs)
        self.shortcut = None if stride == 1 and inputs == outputs else convolution(1, inputs, outputs, stride)

    def forward(self, x):
        ahead = functional.relu(self.norms[0](x))
        inner = functional.relu(self.norms[1](self.first(ahead)))
        return self.second(inner) + (x if self.shortcut is None else self.shortcut(ahead))


class Net(nn.Module):
    def __init__(self, width, channels, classes):
        super().__init__()
        blocks, inputs = [], width
        for stage in range(4):
            for place in range(2):
                outputs = width << stage
                blocks.append(Block(inputs, outputs, 2 if stage and not place else 1))
                inputs = outputs
        self.stem, self.blocks = convolution(3, channels, width), nn.Sequential(*blocks)
        self.norm, self.last = norm(inputs), nn.Linear(inputs, classes)

    def forward(self, x):
        return self.last(functional.relu(self.norm(self.blocks(self.stem(x)))).mean((2, 3)))


class Loop:
    """Steps on random images that lie on the device."""

    def __init__(self, flags, batch, device):
        self.batch, self.device, self.rho = batch, device, flags.rho
        size, channels = flags.size, flags.channels
        shape = (flags.images, channels, size, size)
        self.x = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
        self.y = torch.randint(0, flags.classes, (flags.images,), device=device)
        self.x = self.x.contiguous(memory_format=torch.channels_last)
        net = Net(flags.width, channels, flags.classes).to(device, memory_format=torch.channels_last)
        self.parameters = list(net.parameters())
        fused = {"fused": True} if device == "cuda" else {}
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=GAMMA, momentum=MOMENTUM, weight_decay=DECAY, **fused
        )
        self.loss = torch.compile(self.plain(net)) if device == "cuda" else self.plain(net)

    def plain(self, net):
        def loss(x, y):
            with torch.autocast(self.device, torch.bfloat16):
                out = net(x)
            return functional.cross_entropy(out.float(), y)

        return loss

    def drawn(self):
        """A batch, cropped and flipped image by image."""
        which = torch.randint(len(self.x), (self.batch,), device=self.device)
        x, side = self.x[which], self.x.shape[-1]
        padded = functional.pad(x, [CROP] * 4)
        offsets = torch.randint(0, 2 * CROP + 1, (2, self.batch, 1), device=self.device)
        rows, columns = offsets + torch.arange(side, device=self.device)
        flipped = torch.rand(self.batch, 1, device=self.device) < 0.5
        columns = torch.where(flipped, columns.flip(1), columns)
        images = torch.arange(self.batch, device=self.device)[:, None, None]
        x = padded.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
        x = ((x.float() - 127.5) / 74).contiguous(memory_format=torch.channels_last)
        return x, self.y[which]

    def sgd(self):
        self.loss(*self.drawn()).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def sam(self):
        batch = self.drawn()
        self.loss(*batch).backward()
        with torch.no_grad():
            grads = [each.grad for each in self.parameters]
            size = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
            moves = torch._foreach_mul(grads, self.rho / size)
            torch._foreach_add_(self.parameters, moves)
        self.optimizer.zero_grad()
        self.loss(*batch).backward()
        with torch.no_grad():
            torch._foreach_sub_(self.parameters, moves)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def rate(self, step, steps):
        """Images per second."""
        self.wait()
        began = time.perf_counter()
        for _ in range(steps):
            step()
        self.wait()
        return steps * self.batch / (time.perf_counter() - began)

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in {
        "steps": 60,
        "rounds": 5,
        "width": 64,
        "size": 32,
        "channels": 3,
        "classes": 10,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--batch", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--rho", type=float, default=0.05)
    flags = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    rows = []
    for batch in flags.batch:
        loop = Loop(flags, batch, device)
        methods = {"SGD": loop.sgd, "SAM": loop.sam}
        for step in methods.values():
            loop.rate(step, min(flags.steps, 10))  # compiles, and chooses its kernels
        for round in range(flags.rounds):
            for name, step in methods.items():
                rate = loop.rate(step, flags.steps)
                rows.append({"batch": batch, "method": name, "round": round, "images_per_second": rate})
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    parameters = sum(each.numel() for each in loop.parameters)
    versions = {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }
    print(json.dumps({"device": name, "versions": versions, "parameters": parameters, "rows": rows}))


if __name__ == "__main__":
    main()
