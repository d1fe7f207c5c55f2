"""Features of Keras's own VGG16, VGG19 or ResNet-50, of random weights, on given pictures.

    python benchmarks/keras_features.py NAME PICTURES.npy FOLDER [--seconds]

Runs in an environment of its own, with Keras and TensorFlow. PICTURES are uint8 RGB of shape
(n, side, side, 3). Writes into FOLDER ``NAME.weights.h5`` (Keras 3), ``NAME_notop.h5`` (the layout
in which Keras publishes its weights) and ``NAME.npy`` (features). With ``--seconds``, prints the
least of five times of one pass over the pictures.
"""

import argparse
import time
from pathlib import Path

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format

MODELS = {
    "vgg16": (keras.applications.VGG16, keras.applications.vgg16),
    "vgg19": (keras.applications.VGG19, keras.applications.vgg19),
    "resnet50": (keras.applications.ResNet50, keras.applications.resnet50),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", action="store_true")
    options = parser.parse_args()
    pictures = np.load(options.pictures)
    build, module = MODELS[options.name]
    keras.utils.set_random_seed(0)
    model = build(include_top=False, weights=None, input_shape=pictures.shape[1:], pooling="avg")
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.__class__.__name__ == "BatchNormalization":
            shapes = [weight.shape for weight in layer.get_weights()]
            layer.set_weights([rng.uniform(0.5, 1.5, shape) for shape in shapes])
        elif layer.get_weights():
            kernel, bias = layer.get_weights()
            deviation = np.sqrt(2 / np.prod(kernel.shape[:3]))
            layer.set_weights(
                [rng.normal(0, deviation, kernel.shape), rng.normal(0, 0.1, bias.shape)]
            )
    inputs = module.preprocess_input(pictures.astype("float32"))
    np.save(options.folder / f"{options.name}.npy", model.predict(inputs, verbose=0))
    model.save_weights(options.folder / f"{options.name}.weights.h5")
    with h5py.File(options.folder / f"{options.name}_notop.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    if options.seconds:
        print(min(timed(model, inputs) for _ in range(5)))


def timed(model: keras.Model, inputs: np.ndarray) -> float:
    """Seconds of one pass in batches of sixteen."""
    start = time.perf_counter()
    model.predict(inputs, batch_size=16, verbose=0)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
