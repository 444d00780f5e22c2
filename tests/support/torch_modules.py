"""Networks as users of torch write them, small: LeNet, VGG, ResNet, DenseNet, MobileNet, SqueezeNet, Inception, 1-D."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGES = (3, 3, 16, 16)


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 5, padding=2)
        self.conv2 = nn.Conv2d(4, 6, 5)
        self.fc1 = nn.Linear(6 * 5 * 5, 16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = F.avg_pool2d(F.relu(self.conv1(image)), 2)
        x = F.avg_pool2d(F.relu(self.conv2(x)), (2, 2))
        x = x.view(x.size(0), -1)
        return self.fc2(F.relu(self.fc1(x)))


class MaxLeNet(nn.Module):
    """As torch's own example has it: the pool before the ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2 = nn.Conv2d(4, 6, 3)
        self.drop = nn.Dropout2d()
        self.fc = nn.Linear(6 * 5 * 5, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.drop(self.conv2(x)), 2))
        return self.fc(torch.flatten(x, 1))


def vgg(norm: bool = True, classes: int = 7) -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for width in (6, 8, "pool", 10, "pool"):
        if width == "pool":
            layers.append(nn.AvgPool2d(2, 2))
            continue
        layers.append(nn.Conv2d(channels, width, 3, padding=1))
        layers += [nn.BatchNorm2d(width)] if norm else []
        layers.append(nn.ReLU(inplace=True))
        channels = width
    return VGG(nn.Sequential(*layers), classes)


class VGG(nn.Module):
    def __init__(self, features: nn.Module, classes: int) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.classifier = nn.Sequential(
            nn.Linear(40, 12), nn.ReLU(True), nn.Dropout(), nn.Linear(12, 12), nn.ReLU(True), nn.Dropout(),
            nn.Linear(12, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def conv3x3(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, planes, stride), nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = conv3x3(planes, planes), nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = conv3x3(planes, planes, stride, groups=2), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, planes * 4, 1, bias=False), nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    """As torchvision writes it; a stem with a pool of stride 2 if asked for."""

    def __init__(self, block: type, layers: list[int], width: int = 4, pool: nn.Module | None = None) -> None:
        super().__init__()
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = pool or nn.Identity()
        for number, count in enumerate(layers):
            stage = self._make_layer(block, width * 2**number, count, 1 if number == 0 else 2)
            setattr(self, f"layer{number + 1}", stage)
        self.stages = len(layers)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(self.inplanes, 10)

    def _make_layer(self, block: type, planes: int, count: int, stride: int) -> nn.Sequential:
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, planes * block.expansion, 1, stride, bias=False),
                nn.BatchNorm2d(planes * block.expansion),
            )
        layers = [block(self.inplanes, planes, stride, downsample)]
        self.inplanes = planes * block.expansion
        return nn.Sequential(*layers, *(block(self.inplanes, planes) for _ in range(1, count)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for number in range(self.stages):
            x = getattr(self, f"layer{number + 1}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class PreActivationBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3x3(outputs, outputs)
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        return self.conv2(F.relu(self.bn2(out))) + shortcut


class PreActivationResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = conv3x3(3, 4)
        self.blocks = nn.Sequential(
            PreActivationBlock(4, 4, 1), PreActivationBlock(4, 4, 1), PreActivationBlock(4, 8, 2),
            PreActivationBlock(8, 8, 1),
        )  # fmt: skip
        self.bn, self.linear = nn.BatchNorm2d(8), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn(self.blocks(self.conv1(x))))
        return self.linear(F.adaptive_avg_pool2d(out, 1).squeeze(-1).squeeze(-1))


class DenseLayer(nn.Module):
    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.relu1 = nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inputs, 2 * growth, 1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(2 * growth), nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)
        self.drop_rate = 0.1

    def forward(self, features: list[Tensor]) -> Tensor:
        bottleneck = self.conv1(self.relu1(self.norm1(torch.cat(features, 1))))
        new = self.conv2(self.relu2(self.norm2(bottleneck)))
        return F.dropout(new, p=self.drop_rate, training=self.training)


class DenseBlock(nn.ModuleDict):
    def __init__(self, layers: int, inputs: int, growth: int) -> None:
        super().__init__()
        for number in range(layers):
            self.add_module(f"denselayer{number + 1}", DenseLayer(inputs + number * growth, growth))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class DenseNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        transition = nn.Sequential(
            nn.BatchNorm2d(10), nn.ReLU(inplace=True), nn.Conv2d(10, 5, 1, bias=False), nn.AvgPool2d(2, 2)
        )
        self.features = nn.Sequential(
            conv3x3(3, 4, 2), nn.BatchNorm2d(4), nn.ReLU(), DenseBlock(3, 4, 2), transition, DenseBlock(2, 5, 3),
            nn.BatchNorm2d(11),
        )  # fmt: skip
        self.classifier = nn.Linear(11, 10)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.features(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(out, (1, 1)), 1))


def mobilenet_v1() -> nn.Module:
    def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
        return nn.Sequential(
            conv3x3(inputs, inputs, stride, groups=inputs), nn.BatchNorm2d(inputs), nn.ReLU(inplace=True),
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
        )  # fmt: skip

    return nn.Sequential(
        conv3x3(3, 4, 2), nn.BatchNorm2d(4), nn.ReLU(inplace=True), separable(4, 6, 1), separable(6, 8, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 10),
    )  # fmt: skip


class InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inputs * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
        layers += [conv3x3(hidden, hidden, stride, groups=hidden), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)
        self.use_res_connect = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(conv3x3(3, 4, 2), nn.BatchNorm2d(4), nn.ReLU6(inplace=True))
        last = nn.Sequential(nn.Conv2d(6, 12, 1, bias=False), nn.BatchNorm2d(12), nn.ReLU6(inplace=True))
        self.features = nn.Sequential(
            stem, InvertedResidual(4, 4, 1, 1), InvertedResidual(4, 6, 2, 3), InvertedResidual(6, 6, 1, 3),
            InvertedResidual(6, 6, 1, 2), last,
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(12, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean([2, 3]))


class Fire(nn.Module):
    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze, self.expand1x1 = nn.Conv2d(inputs, squeeze, 1), nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.squeeze(x))
        return torch.cat([self.activation(self.expand1x1(x)), self.activation(self.expand3x3(x))], 1)


def squeezenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(inplace=True), Fire(4, 2, 3), Fire(6, 3, 4), nn.Dropout(p=0.5),
        nn.Conv2d(8, 10, kernel_size=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
    )  # fmt: skip


class Inception(nn.Module):
    """Branches, of which one is pooled with overlap, as timm and torchvision write them."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch1 = self.conv(inputs, 2, kernel_size=1)
        self.branch5 = nn.ModuleList(
            [self.conv(inputs, 2, kernel_size=1), self.conv(2, 3, kernel_size=(1, 7), padding=(0, 3))]
        )
        self.branch3 = self.conv(inputs, 3, kernel_size=3, padding="same", dilation=2)
        self.branch_pool = self.conv(inputs, 2, kernel_size=1)

    @staticmethod
    def conv(inputs: int, outputs: int, **options: object) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, bias=False, **options), nn.BatchNorm2d(outputs, eps=0.001), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        five = x
        for layer in self.branch5:
            five = layer(five)
        pooled = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        return torch.cat([self.branch1(x), five, self.branch3(x), self.branch_pool(pooled)], 1)


def inception() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), Inception(4), Inception(10), nn.AvgPool2d(3, 2), nn.Flatten(),
        nn.Linear(90, 10),
    )  # fmt: skip


class Keyword(nn.Module):
    """Along one axis, with a Python `if` and a last activation."""

    def __init__(self, wide: bool = True) -> None:
        super().__init__()
        self.wide = wide
        self.conv1, self.norm = nn.Conv1d(2, 6, 5, stride=2, padding=2), nn.BatchNorm1d(6)
        self.conv2 = nn.Conv1d(6, 6, 5, groups=3, padding="same")
        self.pool = nn.AvgPool1d(2)
        self.head = nn.Sequential(nn.LazyLinear(8), nn.BatchNorm1d(8), nn.Hardtanh(0, 2), nn.Linear(8, 5))

    def forward(self, sound: Tensor) -> Tensor:
        x = F.relu(self.norm(self.conv1(sound)))
        if self.wide:
            x = torch.relu(self.conv2(x)) + x
        return F.relu(self.head(self.pool(x).flatten(1)))


MODULES = {
    "lenet": lambda: (LeNet(), (2, 1, 28, 28)),
    "vgg": lambda: (vgg(), IMAGES),
    "vgg without norm": lambda: (vgg(norm=False), IMAGES),
    "resnet": lambda: (ResNet(BasicBlock, [2, 2, 1]), IMAGES),
    "resnet of bottlenecks": lambda: (ResNet(Bottleneck, [2, 1], pool=nn.AvgPool2d(3, 2, 1)), IMAGES),
    "pre-activation resnet": lambda: (PreActivationResNet(), IMAGES),
    "densenet": lambda: (DenseNet(), IMAGES),
    "mobilenet v1": lambda: (mobilenet_v1(), IMAGES),
    "mobilenet v2": lambda: (MobileNetV2(), IMAGES),
    "squeezenet": lambda: (squeezenet(), IMAGES),
    "inception": lambda: (inception(), (2, 3, 17, 17)),
    "keyword": lambda: (Keyword(), (4, 2, 30)),
}


def make_module(name: str, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """A module of a name, trained as far as its numbers tell: norms have statistics of their own; and an example."""
    torch.manual_seed(seed)
    module, shape = MODULES[name]()
    example = torch.randn(shape)
    with torch.no_grad():
        module(example)  # which makes what is lazy
    return estrange(module, seed), example


def estrange(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give all norms and biases random numbers, and put the module into evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for inner in module.modules():
            if isinstance(inner, nn.modules.batchnorm._BatchNorm):
                for tensor, low in (
                    (inner.weight, 0.5),
                    (inner.bias, -0.4),
                    (inner.running_mean, -0.4),
                    (inner.running_var, 0.5),
                ):
                    if tensor is not None:
                        tensor.copy_(torch.rand(tensor.shape, generator=generator) + low)
                if inner.num_batches_tracked is not None:
                    inner.num_batches_tracked.fill_(25)
    return module.eval()
