"""Read TensorFlow Lite networks and turn them into ONNX graphs.

Weights are dequantised, and each quantised tensor is clipped to the range that its 8 bits can
hold (which is how such networks express ReLU6); values between are not rounded, so that features
do not depend on a machine's 8-bit instructions. Supported is what image classifiers of the
MobileNet family are made of, see `SUPPORTED`; anything else is refused by name.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from berlese.errors import BackboneError
from berlese.features.export import INPUT, OPSET, OUTPUT

IR_VERSION = 8  # of opset 17, so that older runtimes read the file too
_NUMBERS = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.UINT8: np.uint8,
    tflite.TensorType.INT8: np.int8,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.INT64: np.int64,
}
_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: (-np.inf, np.inf),
    tflite.ActivationFunctionType.RELU: (0.0, np.inf),
    tflite.ActivationFunctionType.RELU6: (0.0, 6.0),
    tflite.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
}
_OPERATOR_NAMES = {
    code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)
}
_DAMAGED = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One tensor of the file; shapes are channels last."""

    index: int
    shape: tuple[int, ...]
    type: int
    scale: NDArray[np.float32]
    zero: NDArray[np.int64]
    axis: int
    stored: NDArray[Any] | None

    @property
    def quantised(self) -> bool:
        return self.type in (tflite.TensorType.UINT8, tflite.TensorType.INT8) and bool(
            len(self.scale)
        )

    @property
    def pooled(self) -> bool:
        """Tell whether it holds one value a channel."""
        return len(self.shape) == 2 or (len(self.shape) == 4 and self.shape[1:3] == (1, 1))

    def limits(self) -> tuple[float, float]:
        """Smallest and largest value that the tensor can hold."""
        if not self.quantised:
            return -np.inf, np.inf
        ends = np.iinfo(np.uint8 if self.type == tflite.TensorType.UINT8 else np.int8)
        scale, zero = float(self.scale[0]), int(self.zero[0])
        return (ends.min - zero) * scale, (ends.max - zero) * scale

    def values(self) -> NDArray[np.float32]:
        """Dequantise what the file stores."""
        if self.stored is None:
            raise BackboneError(f"tensor {self.index} of the network must be constant, but is not.")
        if not len(self.scale):
            return self.stored.astype(np.float32)
        along = [1] * self.stored.ndim
        if len(self.scale) > 1:
            along[self.axis] = -1
        zero = self.zero if len(self.zero) else np.zeros(1, np.int64)
        centred = self.stored.astype(np.float64) - zero.reshape(along)
        return np.asarray(centred * self.scale.astype(np.float64).reshape(along), np.float32)


@dataclass(frozen=True, slots=True)
class _Operator:
    code: int
    inputs: tuple[int, ...]
    output: int
    options: Any

    @property
    def name(self) -> str:
        return _OPERATOR_NAMES.get(self.code, f"number {self.code}")


class TfliteNetwork:
    """An image classifier of a ``.tflite`` file.

    Parameters
    ----------
    path : Path
        Named in errors.
    content : bytes
        The file.

    Attributes
    ----------
    size : int
        Width and height of the input, in pixels.
    mean, divisor : float
        Inputs are ``(rgb - mean) / divisor``: the file's own quantisation, or 127.5 and 127.5
        where the input is float.
    features : int
        The tensor before the classifying layer: pooled, one value a channel.
    scores : int
        The tensor that the network gives out.
    sha256 : str
        Of the file.

    Raises
    ------
    BackboneError
        If the file is damaged, is no image classifier, or uses an operator that is not supported.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.sha256 = sha256(content).hexdigest()
        if content[4:8] != b"TFL3":
            raise BackboneError(f"{path}: is no TensorFlow Lite file (no mark TFL3).")
        try:
            self._parse(content)
        except _DAMAGED as error:
            raise BackboneError(
                f"{path}: is damaged or cut off ({type(error).__name__}); fetch it again."
            ) from error
        self._check_operators()
        self._check_input()
        self.features = self._pooled_features()

    @classmethod
    def read(cls, path: Path) -> "TfliteNetwork":
        """Read a file."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BackboneError(f"{path}: cannot be read ({error.strerror}).") from error
        return cls(path, content)

    def write_onnx(self, path: Path, tensor: int) -> None:
        """Write the graph that computes one tensor, flattened to (n, values).

        Parameters
        ----------
        path : Path
            The ONNX file.
        tensor : int
            `features` or `scores`.
        """
        onnx.save(_Graph(self).up_to(tensor), str(path))

    def _parse(self, content: bytes) -> None:
        model = tflite.Model.GetRootAs(content, 0)
        if model.SubgraphsLength() != 1:
            raise BackboneError(f"{self.path}: has {model.SubgraphsLength()} graphs, expected one.")
        graph = model.Subgraphs(0)
        self.tensors = [
            _read_tensor(model, graph.Tensors(at), at) for at in range(graph.TensorsLength())
        ]
        self.operators = [
            _read_operator(model, graph.Operators(at)) for at in range(graph.OperatorsLength())
        ]
        self.input = int(graph.Inputs(0))
        self.scores = int(graph.Outputs(0))

    def _check_operators(self) -> None:
        unknown = sorted({op.name for op in self.operators if op.code not in SUPPORTED})
        if unknown:
            known = ", ".join(sorted(_OPERATOR_NAMES[code] for code in SUPPORTED))
            raise BackboneError(
                f"{self.path}: uses {', '.join(unknown)}, which is not supported; "
                f"supported operators are {known}."
            )

    def _check_input(self) -> None:
        tensor = self.tensors[self.input]
        shape = tensor.shape
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3 or shape[1] < 1:
            raise BackboneError(
                f"{self.path}: its input has the shape {shape}, expected square RGB pictures "
                "(1, size, size, 3)."
            )
        self.size = shape[1]
        self.mean, self.divisor = 127.5, 127.5
        if tensor.quantised:
            lowest = -128 if tensor.type == tflite.TensorType.INT8 else 0
            self.mean = float(tensor.zero[0] - lowest)
            self.divisor = float(1 / tensor.scale[0])

    def _pooled_features(self) -> int:
        for operator in reversed(self.operators):
            weighted = operator.code in (
                tflite.BuiltinOperator.CONV_2D,
                tflite.BuiltinOperator.FULLY_CONNECTED,
            )
            if weighted and self.tensors[operator.inputs[0]].pooled:
                return operator.inputs[0]
        if self.tensors[self.scores].pooled:
            return self.scores
        raise BackboneError(
            f"{self.path}: has no layer with one value a channel that could serve as features."
        )


class _Graph:
    """An ONNX graph in the making; tensors of four axes are channels first in it."""

    def __init__(self, network: TfliteNetwork) -> None:
        self.network = network
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []
        self.names = {network.input: INPUT}

    def up_to(self, tensor: int) -> onnx.ModelProto:
        for operator in self.network.operators:
            if tensor in self.names:
                break
            result = SUPPORTED[operator.code](self, operator)
            self.names[operator.output] = self._clipped(result, operator)
        self.nodes.append(helper.make_node("Flatten", [self.names[tensor]], [OUTPUT]))
        size = self.network.size
        dim = int(np.prod(self.network.tensors[tensor].shape[1:]))
        graph = helper.make_graph(
            self.nodes,
            "tflite",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, size, size])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", dim])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model)
        return model

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def tensor(self, operator: _Operator, place: int) -> _Tensor:
        return self.network.tensors[operator.inputs[place]]

    def operand(self, operator: _Operator, place: int) -> str:
        """Name an input: computed before, or a constant of the file."""
        index = operator.inputs[place]
        if index in self.names:
            return self.names[index]
        values = self.tensor(operator, place).values()
        return self.constant(values.transpose(0, 3, 1, 2) if values.ndim == 4 else values)

    def channels_last(self, operator: _Operator) -> str:
        """Name the first input in the order in which TensorFlow Lite would flatten it."""
        name = self.operand(operator, 0)
        if len(self.tensor(operator, 0).shape) == 4:
            return self.add("Transpose", [name], perm=[0, 2, 3, 1])
        return name

    def _clipped(self, name: str, operator: _Operator) -> str:
        """Apply the fused activation and the range of the output's 8 bits."""
        low, high = self.network.tensors[operator.output].limits()
        if hasattr(operator.options, "FusedActivationFunction"):
            kind = operator.options.FusedActivationFunction()
            if kind not in _ACTIVATIONS:
                raise BackboneError(
                    f"{self.network.path}: {operator.name} has the activation number {kind}, which "
                    "is not supported; supported are NONE, RELU, RELU6 and RELU_N1_TO_1."
                )
            low, high = max(low, _ACTIVATIONS[kind][0]), min(high, _ACTIVATIONS[kind][1])
        if np.isinf(low) and np.isinf(high):
            return name
        ends = [np.asarray(end, np.float32) for end in (low, high)]
        return self.add("Clip", [name, *map(self.constant, ends)])


def _window(kernel: tuple[int, int], operator: _Operator, shape: tuple[int, ...]) -> dict[str, Any]:
    """Strides and explicit padding of a convolution or a pooling, as ONNX wants them."""
    options = operator.options
    strides = [options.StrideH(), options.StrideW()]
    dilations = [1, 1]
    if hasattr(options, "DilationHFactor"):
        dilations = [options.DilationHFactor(), options.DilationWFactor()]
    before, after = [0, 0], [0, 0]
    if options.Padding() == tflite.Padding.SAME:
        for axis in range(2):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            steps = -(-shape[axis + 1] // strides[axis])
            missing = max(0, (steps - 1) * strides[axis] + reach - shape[axis + 1])
            before[axis], after[axis] = missing // 2, missing - missing // 2
    window: dict[str, Any] = {"kernel_shape": list(kernel), "strides": strides}
    window["pads"] = before + after
    if dilations != [1, 1]:
        window["dilations"] = dilations
    return window


def _convolution(graph: _Graph, operator: _Operator) -> str:
    picture = graph.tensor(operator, 0)
    weights = graph.tensor(operator, 1).values()
    groups = 1
    if operator.code == tflite.BuiltinOperator.DEPTHWISE_CONV_2D:
        groups = picture.shape[3]
        weights = weights.transpose(3, 0, 1, 2)  # (1, h, w, channels) to (channels, 1, h, w)
    else:
        weights = weights.transpose(0, 3, 1, 2)
    inputs = [graph.operand(operator, 0), graph.constant(weights)]
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        inputs.append(graph.constant(graph.tensor(operator, 2).values()))
    height, width = weights.shape[2:]
    window = _window((height, width), operator, picture.shape)
    return graph.add("Conv", inputs, group=groups, **window)


def _pooling(graph: _Graph, operator: _Operator) -> str:
    kernel = (operator.options.FilterHeight(), operator.options.FilterWidth())
    window = _window(kernel, operator, graph.tensor(operator, 0).shape)
    return graph.add("AveragePool", [graph.operand(operator, 0)], **window)


def _addition(graph: _Graph, operator: _Operator) -> str:
    return graph.add("Add", [graph.operand(operator, 0), graph.operand(operator, 1)])


def _fully_connected(graph: _Graph, operator: _Operator) -> str:
    flat = graph.add("Flatten", [graph.channels_last(operator)])
    inputs = [flat, graph.constant(graph.tensor(operator, 1).values())]
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        inputs.append(graph.constant(graph.tensor(operator, 2).values()))
    return graph.add("Gemm", inputs, transB=1)


def _reshape(graph: _Graph, operator: _Operator) -> str:
    shape = graph.network.tensors[operator.output].shape
    target = graph.constant(np.asarray([-1, *shape[1:]], np.int64))
    reshaped = graph.add("Reshape", [graph.channels_last(operator), target])
    if len(shape) == 4:
        return graph.add("Transpose", [reshaped], perm=[0, 3, 1, 2])
    return reshaped


def _softmax(graph: _Graph, operator: _Operator) -> str:
    beta = graph.constant(np.asarray(operator.options.Beta(), np.float32))
    scaled = graph.add("Mul", [graph.operand(operator, 0), beta])
    axis = 1 if len(graph.tensor(operator, 0).shape) == 4 else -1
    return graph.add("Softmax", [scaled], axis=axis)


SUPPORTED: dict[int, Callable[[_Graph, _Operator], str]] = {
    tflite.BuiltinOperator.ADD: _addition,
    tflite.BuiltinOperator.AVERAGE_POOL_2D: _pooling,
    tflite.BuiltinOperator.CONV_2D: _convolution,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: _convolution,
    tflite.BuiltinOperator.FULLY_CONNECTED: _fully_connected,
    tflite.BuiltinOperator.RESHAPE: _reshape,
    tflite.BuiltinOperator.SOFTMAX: _softmax,
}
_OPTIONS = {
    tflite.BuiltinOperator.ADD: tflite.AddOptions,
    tflite.BuiltinOperator.AVERAGE_POOL_2D: tflite.Pool2DOptions,
    tflite.BuiltinOperator.CONV_2D: tflite.Conv2DOptions,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: tflite.DepthwiseConv2DOptions,
    tflite.BuiltinOperator.FULLY_CONNECTED: tflite.FullyConnectedOptions,
    tflite.BuiltinOperator.RESHAPE: tflite.ReshapeOptions,
    tflite.BuiltinOperator.SOFTMAX: tflite.SoftmaxOptions,
}


def _read_tensor(model: Any, raw: Any, index: int) -> _Tensor:
    shape = tuple(int(raw.Shape(at)) for at in range(raw.ShapeLength()))
    quantisation = raw.Quantization()
    scale, zero, axis = np.empty(0, np.float32), np.empty(0, np.int64), 0
    if quantisation is not None and quantisation.ScaleLength():
        scale, zero = quantisation.ScaleAsNumpy(), quantisation.ZeroPointAsNumpy()
        axis = quantisation.QuantizedDimension()
    buffer = model.Buffers(raw.Buffer())
    stored = None
    if buffer.DataLength() and raw.Type() in _NUMBERS:
        stored = buffer.DataAsNumpy().view(_NUMBERS[raw.Type()]).reshape(shape)
    return _Tensor(index, shape, raw.Type(), scale, zero, axis, stored)


def _read_operator(model: Any, raw: Any) -> _Operator:
    names = model.OperatorCodes(raw.OpcodeIndex())
    code = max(names.BuiltinCode(), names.DeprecatedBuiltinCode())
    options = None
    if code in _OPTIONS and raw.BuiltinOptions() is not None:
        options = _OPTIONS[code]()
        table = raw.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
    inputs = tuple(int(raw.Inputs(at)) for at in range(raw.InputsLength()))
    return _Operator(code, inputs, int(raw.Outputs(0)), options)
