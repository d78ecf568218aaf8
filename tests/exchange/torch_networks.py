"""Networks as their papers and usual sources define them, written for PyTorch: torchvision's ResNet and MobileNet V2,
insightface's IResNet, MobileFaceNet. Each ends in an embedding of `embedding` numbers."""
import torch
from torch import nn


def convolution(src, dst, kernel, stride=1, groups=1, padding=None):
    padding = kernel // 2 if padding is None else padding
    return nn.Conv2d(src, dst, kernel, stride, padding, groups=groups, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, src, planes, stride):
        super().__init__()
        self.conv1, self.bn1 = convolution(src, planes, 3, stride), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = convolution(planes, planes, 3), nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or src != planes:
            self.downsample = nn.Sequential(convolution(src, planes, 1, stride), nn.BatchNorm2d(planes))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + shortcut)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, src, planes, stride):
        super().__init__()
        dst = planes * 4
        self.conv1, self.bn1 = convolution(src, planes, 1), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = convolution(planes, planes, 3, stride), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = convolution(planes, dst, 1), nn.BatchNorm2d(dst)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or src != dst:
            self.downsample = nn.Sequential(convolution(src, dst, 1, stride), nn.BatchNorm2d(dst))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        return self.relu(y + shortcut)


class ResNet(nn.Module):
    """He et al. 2015, as in torchvision: stride in the 3x3 convolution of a bottleneck."""

    def __init__(self, block, counts, embedding):
        super().__init__()
        self.conv1, self.bn1 = convolution(3, 64, 7, 2), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, count in enumerate(counts):
            blocks = []
            for number in range(count):
                planes = 64 << stage
                blocks.append(block(channels, planes, 2 if stage > 0 and number == 0 else 1))
                channels = planes * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(channels, embedding)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def mobile_unit(src, dst, kernel, stride=1, groups=1):
    return nn.Sequential(convolution(src, dst, kernel, stride, groups), nn.BatchNorm2d(dst), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    def __init__(self, src, dst, stride, expand):
        super().__init__()
        hidden = src * expand
        layers = [mobile_unit(src, hidden, 1)] if expand != 1 else []
        layers += [mobile_unit(hidden, hidden, 3, stride, hidden), convolution(hidden, dst, 1), nn.BatchNorm2d(dst)]
        self.conv = nn.Sequential(*layers)
        self.carries = stride == 1 and src == dst

    def forward(self, x):
        return x + self.conv(x) if self.carries else self.conv(x)


class MobileNetV2(nn.Module):
    """Sandler et al. 2018, as in torchvision."""

    def __init__(self, embedding):
        super().__init__()
        features = [mobile_unit(3, 32, 3, 2)]
        src = 32
        for expand, dst, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                           (6, 160, 3, 2), (6, 320, 1, 1)):
            for number in range(count):
                features.append(InvertedResidual(src, dst, stride if number == 0 else 1, expand))
                src = dst
        features.append(mobile_unit(src, 1280, 1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, embedding))

    def forward(self, x):
        return self.classifier(nn.functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class FaceBottleneck(nn.Module):
    def __init__(self, src, dst, stride, hidden):
        super().__init__()
        self.conv = nn.Sequential(convolution(src, hidden, 1), nn.BatchNorm2d(hidden), nn.PReLU(hidden),
                                  convolution(hidden, hidden, 3, stride, groups=hidden), nn.BatchNorm2d(hidden),
                                  nn.PReLU(hidden), convolution(hidden, dst, 1), nn.BatchNorm2d(dst))
        self.carries = stride == 1 and src == dst

    def forward(self, x):
        return x + self.conv(x) if self.carries else self.conv(x)


class MobileFaceNet(nn.Module):
    """Chen et al. 2018; 112x112."""

    def __init__(self, embedding):
        super().__init__()
        layers = [convolution(3, 64, 3, 2), nn.BatchNorm2d(64), nn.PReLU(64), convolution(64, 64, 3, groups=64),
                  nn.BatchNorm2d(64), nn.PReLU(64)]
        src = 64
        for expand, dst, count, stride in ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)):
            for number in range(count):
                layers.append(FaceBottleneck(src, dst, stride if number == 0 else 1, src * expand))
                src = dst
        layers += [convolution(src, 512, 1), nn.BatchNorm2d(512), nn.PReLU(512),
                   convolution(512, 512, 7, groups=512, padding=0), nn.BatchNorm2d(512)]
        self.features = nn.Sequential(*layers)
        self.linear = nn.Sequential(nn.Flatten(), nn.Linear(512, embedding, bias=False), nn.BatchNorm1d(embedding))

    def forward(self, x):
        return self.linear(self.features(x))


class IBasicBlock(nn.Module):
    def __init__(self, src, planes, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(src)
        self.conv1, self.bn2, self.prelu = convolution(src, planes, 3), nn.BatchNorm2d(planes), nn.PReLU(planes)
        self.conv2, self.bn3 = convolution(planes, planes, 3, stride), nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or src != planes:
            self.downsample = nn.Sequential(convolution(src, planes, 1, stride), nn.BatchNorm2d(planes))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))) + shortcut


class IResNet(nn.Module):
    """Deng et al. 2019, as in insightface; 112x112."""

    def __init__(self, counts, embedding):
        super().__init__()
        self.conv1, self.bn1, self.prelu = convolution(3, 64, 3), nn.BatchNorm2d(64), nn.PReLU(64)
        src = 64
        for stage, count in enumerate(counts):
            blocks = []
            for number in range(count):
                blocks.append(IBasicBlock(src, 64 << stage, 2 if number == 0 else 1))
                src = 64 << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.bn2, self.dropout = nn.BatchNorm2d(512), nn.Dropout(0.0)
        self.fc, self.features = nn.Linear(512 * 7 * 7, embedding), nn.BatchNorm1d(embedding)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        return self.features(self.fc(self.dropout(torch.flatten(x, 1))))


# Name: what makes it, height and width of its images.
NETWORKS = {
    "resnet18": (lambda embedding: ResNet(BasicBlock, (2, 2, 2, 2), embedding), 224),
    "resnet50": (lambda embedding: ResNet(Bottleneck, (3, 4, 6, 3), embedding), 224),
    "mobilenet_v2": (MobileNetV2, 224),
    "mobilefacenet": (MobileFaceNet, 112),
    "iresnet18": (lambda embedding: IResNet((2, 2, 2, 2), embedding), 112),
}


def make(name, embedding=32, seed=1):
    """With weights at random as torchvision draws them, and norms that have seen something."""
    torch.manual_seed(seed)
    network = NETWORKS[name][0](embedding)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.1, 0.4)
    return network.eval()


class Scaled(nn.Module):
    """Bytes as floats in, as Kindred has them: (x - mean) / deviation before the network."""

    def __init__(self, network, mean=(123.675, 116.28, 103.53), deviation=(58.395, 57.12, 57.375)):
        super().__init__()
        self.network = network
        self.register_buffer("input_mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("input_deviation", torch.tensor(deviation).view(1, -1, 1, 1))

    def forward(self, x):
        return self.network((x - self.input_mean) / self.input_deviation)


def export(network, path, side, exporter, folded, opset=None):
    """By the "new" exporter (torch.export) or the "old" one (TorchScript); folded: norms in the weights before them."""
    sample = torch.zeros(2, 3, side, side)
    if exporter == "new":
        if folded:
            network = fold(network)
        batch = torch.export.Dim("batch")
        torch.onnx.export(network, (sample,), path, dynamo=True, dynamic_shapes=({0: batch},), external_data=False,
                          opset_version=opset or 18, optimize=folded, verbose=False)
    else:
        torch.onnx.export(network, (sample,), path, dynamo=False, dynamic_axes={"x": {0: "batch"}}, input_names=["x"],
                          opset_version=opset or 13, do_constant_folding=folded,
                          training=torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE)


def fold(network):
    """A copy whose norms right behind convolutions are folded into them, where they stand side by side in a Sequential
    or by torchvision's names."""
    import copy
    network = copy.deepcopy(network)
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    for module in list(network.modules()):
        names = list(module._modules)
        pairs = list(zip(names, names[1:])) if isinstance(module, nn.Sequential) else [
            (f"conv{i}", f"bn{i}") for i in (1, 2, 3)]
        if isinstance(module, IBasicBlock):
            pairs = [("conv1", "bn2"), ("conv2", "bn3")]
        for first, second in pairs:
            if isinstance(getattr(module, first, None), nn.Conv2d) and isinstance(getattr(module, second, None),
                                                                                nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(getattr(module, first), getattr(module, second)))
                setattr(module, second, nn.Identity())
    return network
