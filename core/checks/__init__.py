"""Live checks: is all of this true, tried the way docker, the import and the nodes will do it.

A check looks and leaves nothing behind; it may be run at any moment. `standard.ladder` gives them
all; whoever needs only findings does not wait for what the checks load.
"""
