"""The paper's classifier as a plain Keras loop: the yardstick of `benchmarks/heads.py`.

    python benchmarks/keras_loop.py REPLICATES INPUTS ROWS EPOCHS

Runs in an environment of its own, with Keras and a backend. Prints seconds.
"""

import sys
import time

import keras
import numpy as np

CLASSES = 12


def main() -> None:
    replicates, inputs, rows, epochs = map(int, sys.argv[1:])
    rng = np.random.default_rng(0)
    features = np.abs(rng.normal(size=(rows, inputs))).astype("float32")
    names = keras.utils.to_categorical(rng.integers(0, CLASSES, rows), CLASSES)
    start = time.perf_counter()
    for replicate in range(replicates):
        keras.utils.set_random_seed(replicate)
        model = keras.Sequential(
            [
                keras.Input((inputs,)),
                keras.layers.Dense(512, activation="relu"),
                keras.layers.Dropout(0.6),
                keras.layers.Dense(256, activation="relu"),
                keras.layers.Dropout(0.6),
                keras.layers.Dense(CLASSES, activation="softmax"),
            ]
        )
        model.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy")
        model.fit(features, names, batch_size=32, epochs=epochs, verbose=0)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
