"""What each case came to: kept per suite over runs, each with the sensor and the text of the case that it belongs to."""
import hashlib
import json
import time

PASS, FAIL, ABSENT = "PASS", "FAIL", "ABSENT"
ABSENT_FROM_SUITE = f"{ABSENT}: not for this suite"


def sha256(program):
    return hashlib.sha256(program.read_bytes()).hexdigest() if program else ""


def load(work):
    """case name -> outcome"""
    path = work / "outcomes.json"
    return json.loads(path.read_text()) if path.exists() else {}


def verdict_of(folder):
    """(verdict with its reason, seconds) of the results of a case."""
    verdict, seconds = folder / "verdict", folder / "seconds"
    text = verdict.read_text().strip() if verdict.exists() else f"{FAIL}: never ran or never ended"
    return text, float(seconds.read_text()) if seconds.exists() else 0.0


def delays(folder):
    """Milliseconds from decision to arrival of each alert."""
    path = folder / "latency.txt"
    return [float(line.split()[1]) for line in path.read_text().splitlines()] if path.exists() else []


def facts(results):
    """Versions of the guest; empty when the scene was not reached."""
    path = results / "facts.json"
    return json.loads(path.read_text()) if path.exists() else {}


def judge(suite, cases, results):
    """case name -> (verdict, seconds) of this run"""
    return {case.name: verdict_of(results / case.name) if case.runs_on(suite) else (ABSENT_FROM_SUITE, 0.0)
            for case in cases}


def keep(work, suite, cases, results, outcome, sensor):
    """Puts the outcome of a run in the place of older ones of the same cases."""
    known = load(work)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for case in cases:
        text, seconds = outcome[case.name]
        known[case.name] = {"suite": suite, "facts": facts(results), "ended": now, "verdict": text, "seconds": seconds,
                            "delays_ms": delays(results / case.name), "sensor": sensor, "case": case.sha256}
    (work / "outcomes.json").write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
