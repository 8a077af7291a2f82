"""docs/coverage.md: what the last `scripts/lab all` showed, a row per case."""
import statistics


def delays(results):
    """Milliseconds from decision to arrival of every alert of every case."""
    found = []
    for file in results.glob("*/latency.txt"):
        found += [float(line.split()[1]) for line in file.read_text().splitlines() if line.strip()]
    return found


def summary(case):
    """The comment at the head of the case file."""
    return case.summary or case.name


def write(path, cases, outcome):
    """outcome: suite -> (results folder, case name -> (verdict, seconds))"""
    suites = list(outcome)
    lines = ["# Coverage", "",
             "Written by `scripts/lab all`; do not edit. Real engines under real kernels, in a VM without network.", ""]
    for suite in suites:
        facts = outcome[suite][0] / "engine.txt"
        text = " · ".join(facts.read_text().split("\n")).strip(" ·") if facts.exists() else "not started"
        lines.append(f"- **{suite}**: {text}")
        all_delays = delays(outcome[suite][0])
        if all_delays:
            lines.append(f"  - alert delay: median {statistics.median(all_delays):.0f} ms over {len(all_delays)} alerts")
    lines += ["", "| case | shows | " + " | ".join(suites) + " |", "|---|---|" + "---|" * len(suites)]
    for case in cases:
        cells = [outcome[s][1].get(case.name, ("not run", 0))[0].split(":")[0] for s in suites]
        lines.append(f"| {case.name} | {summary(case)} | " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n")
