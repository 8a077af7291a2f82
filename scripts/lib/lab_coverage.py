"""docs/coverage.md, out of the outcomes that scripts/lab left (lab_outcomes.py)."""
import statistics

from lab_outcomes import ABSENT, FAIL

EMPTY = "–"
OLDER = "°"
HEAD = """# Coverage

Written by `scripts/lab coverage` out of what the lab ran; do not edit. Real engines under real kernels, in a VM without network.
`–`: not run, or the suite has no such engine. `°`: with an earlier executable, or before the case was changed.
A standalone buildkitd: not proven on a real one; tested from synthetic recordings."""


class Board:
    """suite -> case name -> outcome, seen from the executable and the cases of now."""

    def __init__(self, outcomes, cases, sensor):
        self.outcomes, self.cases, self.sensor = outcomes, cases, sensor
        self.suites = list(outcomes)

    def of(self, suite, case):
        return self.outcomes[suite].get(case.name)

    def older(self, case, outcome):
        return outcome["sensor"] != self.sensor or outcome["case"] != case.sha256

    def cell(self, suite, case):
        outcome = self.of(suite, case)
        if outcome is None or outcome["verdict"].startswith(ABSENT):
            return EMPTY
        return outcome["verdict"].split(":")[0] + (OLDER if self.older(case, outcome) else "")

    def facts(self, suite):
        """Versions that the suite showed last."""
        found = [outcome for outcome in self.outcomes[suite].values() if outcome["facts"]]
        return max(found, key=lambda outcome: outcome["ended"])["facts"] if found else {}

    def delays(self, suite):
        """Of the alerts that this executable sent."""
        return [ms for case in self.cases if (outcome := self.of(suite, case)) and not self.older(case, outcome)
                for ms in outcome["delays_ms"]]


def versions(facts, tools):
    """`docker+buildx`: the version of the first, then of each further one that is there."""
    first, *others = tools.split("+")
    return ", ".join([facts.get(first, "?")] + [f"{tool} {facts[tool]}" for tool in others if facts.get(tool)])


def road_cell(board, suite, tools, cases):
    cells = [cell for case in cases if (cell := board.cell(suite, case)) != EMPTY]
    if not cells:
        return EMPTY
    good = sum(not cell.startswith(FAIL) for cell in cells)
    mark = OLDER if any(cell.endswith(OLDER) for cell in cells) else ""
    return f"{versions(board.facts(suite), tools)}: {good} of {len(cells)} pass{mark}"


def roads(board):
    rows = {}
    for case in board.cases:
        for tools, road in case.shows:
            rows.setdefault((tools.split("+")[0], road), (tools, []))[1].append(case)
    kernels = [f"{suite} ({board.facts(suite).get('kernel', '?')})" for suite in board.suites]
    yield "| engine | road | " + " | ".join(kernels) + " |"
    yield "|---|---|" + "---|" * len(kernels)
    for (engine, road), (tools, cases) in sorted(rows.items()):
        yield f"| {engine} | {road} | " + " | ".join(road_cell(board, s, tools, cases) for s in board.suites) + " |"


def write(path, cases, outcomes, sensor):
    """outcomes: suite -> case name -> outcome; sensor: sha256 of the executable of now."""
    board = Board(outcomes, cases, sensor)
    lines = [HEAD, "", "## Suites"]
    for suite in board.suites:
        text = " · ".join(f"{what} {version}" for what, version in board.facts(suite).items() if version)
        lines.append(f"- **{suite}**: {text or 'not started'}")
        if delays := board.delays(suite):
            lines.append(f"  - alert delay: median {statistics.median(delays):.0f} ms over {len(delays)} alerts")
    lines += ["", "## Engines and roads", *roads(board)]
    lines += ["", "## Cases", "| case | shows | " + " | ".join(board.suites) + " |", "|---|---|" + "---|" * len(board.suites)]
    for case in cases:
        cells = [board.cell(suite, case) for suite in board.suites]
        lines.append(f"| {case.name} | {case.summary or case.name} | " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n")
