"""What stands at the end of each command's help: lines to copy, which all work."""

EXAMPLES = {
    "cnncalc": (
        "cnncalc table lenet5",
        "cnncalc explain resnet18 layer1 --input 64x64",
        "cnncalc help table",
    ),
    "table": (
        "cnncalc table resnet18 --depth 1 --columns +receptive_field",
        "cnncalc table lenet5 --batch 64 --dtype float16 -o lenet5.md",
        "cnncalc table alexnet vgg16 resnet50 --sort params",
        "cnncalc table net.yaml --value macs",
    ),
    "explain": (
        "cnncalc explain lenet5 conv1",
        "cnncalc explain conv out_channels=64 kernel_size=7 --input 224x224x3",
        "cnncalc explain alexnet --input 227x227 -o alexnet.html",
        "cnncalc explain lenet5 --quiz --seed 3",
    ),
    "reconcile": (
        "cnncalc reconcile resnet50",
        "cnncalc reconcile resnet50 fvcore thop",
    ),
    "compare-fc": (
        "cnncalc compare-fc lenet5",
        "cnncalc compare-fc lenet5 conv1",
        "cnncalc compare-fc lenet5 --hidden 300,100",
    ),
    "diff": (
        "cnncalc diff resnet18 resnet34",
        "cnncalc diff vgg16 --input-b 384x384",
        "cnncalc diff lenet5 net.yaml -o changes.md",
    ),
    "check": (
        "cnncalc check lenet5 --max-params 100k --max-macs 1M",
        "cnncalc check net.yaml --max-peak-memory 256KiB --dtype int8",
        "cnncalc check lenet5 --max-params 100k --format json",
    ),
    "embed": (
        "cnncalc embed README.md docs",
        "cnncalc embed --check README.md",
        "cnncalc embed --diff README.md",
    ),
    "verify": (
        "cnncalc verify lenet5",
        "cnncalc verify resnet18 --meta",
        "cnncalc verify lenet5 --batch 4 --format json",
    ),
    "slide": (
        "cnncalc slide -i '1 2 3; 4 5 6; 7 8 9' -k '1 0; 0 1'",
        "cnncalc slide -k sobel-x --backward",
        "cnncalc slide --max-pool 2 --step",
        "cnncalc slide --kernels",
    ),
    "train": (
        "cnncalc train lenet5 --epochs 2 -o runs/first",
        "cnncalc train lenet5 --epochs 2 -o runs/first --resume",
        "cnncalc train lenet5 --overfit 32",
    ),
    "pictures": (
        "cnncalc pictures runs/first",
        "cnncalc pictures runs/first --sample 3 --layer conv1",
    ),
    "export": (
        "cnncalc export lenet5",
        "cnncalc export lenet5 --to keras -o lenet5_keras.py",
        "cnncalc export resnet18 --input 64x64 -o resnet18.py",
    ),
    "draw": (
        "cnncalc draw lenet5 -o lenet5.svg",
        "cnncalc draw resnet18 --depth 1 -o resnet18.dot",
        "cnncalc draw alexnet --column params -o alexnet.svg",
        "cnncalc draw lenet5 --kind receptive-field -o field.svg",
    ),
    "layer": (
        "cnncalc layer conv out_channels=96 kernel_size=11 stride=4 --input 227x227x3",
        "cnncalc layer max_pool 2 --input 112x112x64",
        "cnncalc layer conv out_channels=64 kernel_size=7 --input 224x224x3 --value macs",
        "cnncalc layer linear 10 --input 400",
    ),
    "specs": (
        "cnncalc specs",
        "cnncalc specs --format json",
    ),
    "show": (
        "cnncalc show lenet5",
        "cnncalc show resnet18 --expand",
    ),
    "init": (
        "cnncalc init first.yaml",
        "cnncalc init -",
    ),
    "layers": (
        "cnncalc layers",
        "cnncalc layers conv",
        "cnncalc layers --format markdown",
    ),
    "schema": (
        "cnncalc schema",
        "cnncalc schema > cnncalc.schema.json",
    ),
}
"""The examples of every command. net.yaml is what `cnncalc init` writes; runs/first is a run."""
