#!/usr/bin/env python3
"""Every relative link of the documents names a file or folder of the tree, and every anchor a heading.

links.py [ROOT]      exit 1 and one line for each link that leads nowhere
links.py --selftest  plants links into a scratch tree and expects the wrong ones to be found
"""
import pathlib
import re
import sys
import tempfile

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/**/*.md", "tests/**/README.md"]
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.M | re.S)
# [text](target "title"), ![image](target) and [name]: target
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?([^\s>]+)", re.M)
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:|^//", re.I)
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.M)


def anchors_of(text):
    """As GitHub makes them: lower case, blanks to hyphens, other marks left out."""
    fenced = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(fenced)}


def check(root):
    problems = []
    for pattern in DOCUMENTS:
        for document in sorted(root.glob(pattern)):
            text = document.read_text(encoding="utf-8")
            for link in LINK.findall(CODE.sub("", text)):
                target = link[0] or link[1]
                if SCHEME.match(target):
                    continue
                path, _, anchor = target.partition("#")
                file = (document.parent / path).resolve() if path else document
                where = f"{document.relative_to(root)}: {target}"
                if not file.is_relative_to(root):
                    problems.append(f"{where}: leaves the tree")
                elif not file.exists():
                    problems.append(f"{where}: no such file")
                elif anchor and file.suffix == ".md" and anchor not in anchors_of(file.read_text(encoding="utf-8")):
                    problems.append(f"{where}: no such heading")
    return problems


def selftest():
    cases = [  # document, text, fine
        ("README.md", "[a](docs/there.md)", True),
        ("README.md", "[a](docs/away.md)", False),
        ("README.md", "[a](docs)", True),
        ("README.md", "[a](https://example.org/away.md)", True),
        ("README.md", "`[a](away.md)`\n```\n[a](away.md)\n```\n", True),
        ("README.md", "```\nx\n```\n[a](away.md)", False),
        ("README.md", "[a]: away.md", False),
        ("README.md", '![a](away.png "title")', False),
        ("README.md", "[a](docs/there.md#a-heading-of-it)", True),
        ("README.md", "[a](docs/there.md#none)", False),
        ("README.md", "# Here\n[a](#here)", True),
        ("README.md", "[a](../outside.md)", False),
        ("CONTRIBUTING.md", "[a](away.md)", False),
        ("docs/deep/er.md", "[a](../there.md)", True),
        ("docs/deep/er.md", "[a](there.md)", False),
        ("tests/lab/README.md", "[a](away.md)", False),
    ]
    for document, text, fine in cases:
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch).resolve()
            for file, content in (("docs/there.md", "## A heading, of it\n"), (document, text)):
                planted = root / file
                planted.parent.mkdir(parents=True, exist_ok=True)
                planted.write_text(content, encoding="utf-8")
            if (not check(root)) != fine:
                print(f"selftest: {text!r} in {document} should be {'fine' if fine else 'found'}")
                return 1
    print(f"selftest: {len(cases)} cases")
    return 0


def main():
    if sys.argv[1:] == ["--selftest"]:
        return selftest()
    default = pathlib.Path(__file__).parents[2]
    problems = check((pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default).resolve())
    print("\n".join(problems) if problems else "links: fine")
    return 1 if problems else 0


sys.exit(main())
