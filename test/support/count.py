# SPDX-License-Identifier: BSL-1.0
"""Counts the test cases in meson's logs: says which were skipped and why, and prints
"N passed, N failed".

usage: count.py FAILED LOG...
FAILED is how many have failed already. A program that prints no plan is a case. A planned case
that did not run has failed, and so has a program that failed although its cases passed, and a log
that is not there.
"""
import collections
import json
import re
import sys


def count(run):
    """The passed and the failed cases of one run of one program."""
    plan = re.search(r"^1\.\.(\d+)", run["stdout"], re.M)
    passed = len(re.findall(r"^ok (?!.*# SKIP)", run["stdout"], re.M))
    failed = len(re.findall(r"^not ok ", run["stdout"], re.M))
    as_expected = run["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if plan:
        skipped = len(re.findall(r"^ok .*# SKIP", run["stdout"], re.M))
        failed = max(failed, int(plan[1]) - passed - skipped)
    elif as_expected:
        passed = 1
    if not as_expected:
        failed = max(failed, 1)
    return passed, failed


def skipped(run):
    """Why cases of one run of one program were skipped, with how many for each reason."""
    reasons = re.findall(r"^(?:ok\b|1\.\.0).*# SKIP *(.*)$", run["stdout"], re.M)
    return collections.Counter(reason.strip() or "an earlier case failed" for reason in reasons)


def main():
    total_passed, total_failed = 0, int(sys.argv[1])
    for log in sys.argv[2:]:
        try:
            with open(log, encoding="utf-8") as lines:
                runs = [json.loads(line) for line in lines]
        except OSError as error:
            print(error)
            total_failed += 1
            continue
        for run in runs:
            passed, failed = count(run)
            total_passed += passed
            total_failed += failed
            for reason, cases in skipped(run).items():
                print(f"skipped: {cases} of {run['name']}: {reason}")
            if failed:
                print(f"failed: {run['name']}, see {log.removesuffix('.json')}.txt")
    print(f"{total_passed} passed, {total_failed} failed")
    sys.exit(total_failed > 0 or total_passed == 0)


main()
