"""Case files (see tests/lab/README.md)."""
import hashlib
import sys
from dataclasses import dataclass, field

SECTIONS = ("SHOWS", "SUITES", "NEEDS", "SENSOR", "MACHINE", "SETUP", "RUN", "EXPECT", "TIMEOUT")
ONE_LINE = ("SHOWS", "SUITES", "NEEDS", "SENSOR", "MACHINE", "TIMEOUT")
MACHINES = ("fast", "counted")


@dataclass
class Case:
    name: str
    summary: str = ""
    sections: dict = field(default_factory=dict)
    sha256: str = ""  # of the file: an outcome belongs to this text

    @property
    def timeout(self):
        return int(self.sections["TIMEOUT"])

    @property
    def machine(self):
        return self.sections.get("MACHINE", "fast").strip()

    @property
    def shows(self):
        """Pairs: tools that it proves the sensor on, and by which road."""
        rows = [row for row in self.sections.get("SHOWS", "").split(";") if row.strip()]
        return [tuple(part.strip() for part in row.split("/", 1)) for row in rows]

    def runs_on(self, suite):
        named = self.sections.get("SUITES", "").split()
        return not named or suite in named

    def write(self, folder):
        folder.mkdir(parents=True)
        for section in SECTIONS:
            text = self.sections.get(section, "").strip()
            (folder / section).write_text(text + "\n" if text else "")


def parse(path):
    text = path.read_text()
    case, current = Case(path.stem, sha256=hashlib.sha256(text.encode()).hexdigest()), None
    for number, line in enumerate(text.splitlines(), 1):
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
    if any(len(pair) != 2 or not all(pair) for pair in case.shows):
        sys.exit(f"lab: {path.name}: SHOWS is 'TOOL[+TOOL] / ROAD', several with ; between them")
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
