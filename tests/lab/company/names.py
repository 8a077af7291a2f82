"""names.txt and clients.txt, for the servers of the company."""
from pathlib import Path

HERE = Path(__file__).resolve().parent
OF_DAY = 8  # addresses that a name behind a content network has at a time


def lines(name):
    for line in (HERE / name).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            yield line


def read_names():
    """(front -> its addresses, name -> (front or None, its own addresses)); as tests/corpus/internet.cpp has them"""
    fronts, names = {}, {}
    for line in lines("names.txt"):
        kind, name, *rest = line.split()
        if kind == "front":
            number = len(fronts)
            fronts[name] = [f"198.18.{number * 4 + i // 250}.{1 + i % 250}" for i in range(int(rest[0]))]
        else:
            names[name] = (rest[0], []) if rest[0] in fronts else (None, rest)
    return fronts, names


def read_redirects():
    """URL or prefix -> where it is redirected to"""
    found = {}
    for line in lines("clients.txt"):
        if line.startswith("follow "):
            _, prefix, to = line.split()
            found[prefix] = to
        else:
            for url in line.split("|")[-1].split():
                before, _, after = url.partition(">")
                if after:
                    found[before.split("*")[0]] = after
    return found
