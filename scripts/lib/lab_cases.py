"""Case files: sections SENSOR, MACHINE, SETUP, RUN, EXPECT, TIMEOUT (see tests/lab/README.md)."""
import sys
from dataclasses import dataclass, field

SECTIONS = ("SENSOR", "MACHINE", "SETUP", "RUN", "EXPECT", "TIMEOUT")
ONE_LINE = ("SENSOR", "MACHINE", "TIMEOUT")
MACHINES = ("fast", "counted")


@dataclass
class Case:
    name: str
    summary: str = ""
    sections: dict = field(default_factory=dict)

    @property
    def timeout(self):
        return int(self.sections["TIMEOUT"])

    @property
    def machine(self):
        return self.sections.get("MACHINE", "fast").strip()

    def write(self, folder):
        folder.mkdir(parents=True)
        for section in SECTIONS:
            text = self.sections.get(section, "").strip()
            (folder / section).write_text(text + "\n" if text else "")


def parse(path):
    case, current = Case(path.stem), None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        word = line.split(" ", 1)[0]
        # Shell sections stand alone on their line: a Dockerfile in one has lines that begin with RUN.
        if word in SECTIONS and (line == word or word in ONE_LINE):
            if word in case.sections:
                sys.exit(f"lab: {path.name}:{number}: section {word} stands twice; merge the two")
            current = word
            case.sections[word] = line[len(word):].strip() + "\n"
        elif current:
            case.sections[current] += line + "\n"
        elif line.startswith("#"):
            case.summary = f"{case.summary} {line.lstrip('# ')}".strip()
        elif line.strip():
            sys.exit(f"lab: {path.name}:{number}: text before the first section; begin it with # or move it")
    for needed in ("RUN", "EXPECT", "TIMEOUT"):
        if not case.sections.get(needed, "").strip():
            sys.exit(f"lab: {path.name}: section {needed} is missing or empty")
    if case.machine not in MACHINES:
        sys.exit(f"lab: {path.name}: no machine {case.machine}; there are: {', '.join(MACHINES)}")
    return case


def load(folder, names):
    if not names:
        return [parse(path) for path in sorted(folder.glob("*.case"))]
    cases = []
    for name in names:
        path = folder / f"{name}.case"
        if not path.exists():
            known = ", ".join(sorted(p.stem for p in folder.glob("*.case")))
            sys.exit(f"lab: no case {name}; there are: {known}")
        cases.append(parse(path))
    return cases
