"""Presidio on the files of a job, in the shape that measure.ts writes: python presidio.py JOB.json

Its pattern recognisers alone unless a spaCy model is installed: models are not on PyPI, and this script downloads none.
"""
import json
import logging
import sys
import time

from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NoOpNlpEngine, SpacyNlpEngine

logging.disable(logging.CRITICAL)


def create_engine():
    import spacy.util

    for name in ("en_core_web_lg", "en_core_web_md", "en_core_web_sm"):
        if spacy.util.is_package(name):
            engine = SpacyNlpEngine([{"lang_code": "en", "model_name": name}])
            return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"]), name
    engine = NoOpNlpEngine([{"lang_code": "en", "model_name": "none"}])
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"]), None


def find(engine, text):
    """Offsets in UTF-16 units."""
    units = [0]
    for letter in text:
        units.append(units[-1] + (2 if ord(letter) > 0xFFFF else 1))
    return [[one.entity_type, units[one.start], units[one.end], True] for one in engine.analyze(text=text, language="en")]


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line]


def is_in_query(line, at):
    word = line[max(line.rfind(" ", 0, at), line.rfind('"', 0, at)) + 1 : at]
    return "?" in word and "/" in word.split("?")[0]


def measure_log(engine, path, seconds):
    lines, started, changed, otherwise = read_lines(path), time.process_time(), 0, 0
    done = 0
    for line in lines:
        found = find(engine, line)
        changed += len(found) > 0
        otherwise += any(kind != "IP_ADDRESS" and not is_in_query(line, start) for kind, start, _, _ in found)
        done += 1
        if done >= 100 and time.process_time() - started > max(seconds, 10):
            break
    spent = time.process_time() - started
    size = sum(len(line.encode()) for line in lines[:done])
    return {"path": path, "lines": done, "changed": changed, "changedOtherwise": otherwise, "megabytesPerSecond": size / spent / 1e6}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    engine, model = create_engine()
    labelled = []
    for path in job["files"]["labelled"]:
        rows = [json.loads(line) for line in read_lines(path)]
        labelled.append({"path": path, "found": [find(engine, row.get("text") or row.get("input") or "") for row in rows]})
    logs = [measure_log(engine, path, job["seconds"]) for path in job["files"]["logs"]]
    with open(job["out"], "w", encoding="utf-8") as file:
        json.dump({"labelled": labelled, "logs": logs, "events": [], "model": model}, file)


main()
