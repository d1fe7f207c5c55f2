"""Commands in messages can be pasted into the shell at hand."""

import shlex

import pytest

from berlese.errors import as_word


@pytest.mark.parametrize("text", ["survey", "my survey", "Käfer's", 'a "b"', "$HOME; rm", ""])
def test_a_posix_shell_takes_a_quoted_word_for_one(text):
    assert shlex.split(f"berlese add {as_word(text, windows=False)} x")[2] == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("survey", "survey"),
        ("my survey", '"my survey"'),
        ("C:\\Users\\A B\\s", '"C:\\Users\\A B\\s"'),
        ("YOUR NAME", '"YOUR NAME"'),
        ("Käfer's", "Käfer's"),  # a single quote is a letter to cmd
    ],
)
def test_windows_has_double_quotes(text, written):
    assert as_word(text, windows=True) == written
