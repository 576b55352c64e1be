"""Runs the parts that benches/imaging/run is asked for, each in a folder of its own."""
import importlib, sys, tempfile

parts = sys.argv[1:] or ["speed"]
while parts:
    part = importlib.import_module(parts.pop(0))
    with tempfile.TemporaryDirectory() as work:
        part.run(work, *([parts.pop(0)] if part.__name__ == "sheet" else []))
    print()
