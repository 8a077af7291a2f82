"""Copies the sensor's stdout to alerts.jsonl and notes how long after its decision each alert arrived.

latency.txt: a line per alert, rule and milliseconds. Output that is no JSON is copied only.
"""
import calendar
import json
import os
import re
import sys
import time

arrivals, data = [], b""  # (end offset, wall time)
with open(os.path.join(sys.argv[1], "alerts.jsonl"), "wb") as copy:
    while chunk := os.read(0, 1 << 16):
        data += chunk
        arrivals.append((len(data), time.time()))
        copy.write(chunk)
        copy.flush()

with open(os.path.join(sys.argv[1], "latency.txt"), "w") as out:
    offset = 0
    for line in data.splitlines(keepends=True):
        offset += len(line)
        arrived = next(when for end, when in arrivals if end >= offset)
        try:
            alert = json.loads(line)
            stamp = re.fullmatch(r"(\d+-\d+-\d+T\d+:\d+:\d+)(\.\d+)?Z", alert["time"])
        except (ValueError, KeyError, TypeError):
            continue
        decided = calendar.timegm(time.strptime(stamp[1], "%Y-%m-%dT%H:%M:%S")) + float(stamp[2] or 0)
        out.write(f"{alert.get('rule')} {(arrived - decided) * 1000:.1f}\n")
