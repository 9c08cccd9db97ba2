"""Fail when a test that should have run was skipped, by pytest's JUnit reports.

usage: no_skips.py REPORT.xml... [--allow REGULAR_EXPRESSION]...
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree


def main(argv: list[str]) -> int:
    """Print every skip that no pattern allows, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="+")
    parser.add_argument("--allow", action="append", default=[])
    options = parser.parse_args(argv)
    ran, allowed, faults = 0, 0, []
    for report in options.reports:
        cases = list(ElementTree.parse(report).iter("testcase"))
        if not cases:
            faults.append(f"{report}: no test ran")
        for case in cases:
            skipped = case.find("skipped")
            if skipped is None:
                ran += 1
                continue
            reason = f"{skipped.get('message', '')} {skipped.text or ''}"
            if any(re.search(pattern, reason) for pattern in options.allow):
                allowed += 1
            else:
                faults.append(f"{case.get('classname')}::{case.get('name')}: {reason.strip()}")
    print(f"{ran} tests ran, {allowed} skipped for an allowed reason, {len(faults)} faults")
    for fault in faults:
        print(f"  should have run: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
