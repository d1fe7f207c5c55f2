"""The verbs of `berlese`: each parses, calls the library and prints.

Imports of what a verb needs wait inside it, so that `berlese --help` stays quick.
"""
