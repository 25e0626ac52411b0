"""
One subcommand a module: ``run(options, settings)`` does it, ``add(parser)`` describes its options where it has any.

``__main__`` names them and imports the chosen one alone: programs of this project start side by side, and
what is not imported need not be waited for. A secret is never an argument: it comes from a file.
"""
