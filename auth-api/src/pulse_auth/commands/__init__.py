"""
One subcommand a module: ``add(parsers)`` describes it, ``run(options, settings)`` does it and may return an exit code.

``__main__`` reads the environment and picks one. A secret is never an argument: it comes from a file.
"""
