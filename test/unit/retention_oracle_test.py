#!/usr/bin/python3
"""Compares what retention.c decides with what the real pgbackrest's expire does: to backups and to
single WAL segments, on random histories with random retention. Prints TAP.

Pins are checked, too: what is to go by then is removed by `expire --set`, as the sidecar does.
The seed is fixed; PGBR_ORACLE_SEED takes another one, PGBR_ORACLE_HISTORIES another number.
PGBR_BUILD names the build folder whose unit/retention_test is compared (default: build).
"""

import concurrent.futures
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HISTORIES = int(os.environ.get("PGBR_ORACLE_HISTORIES", "150"))
SEED = int(os.environ.get("PGBR_ORACLE_SEED", "20261101"))
DAY = 86400
VERSIONS = {1: "14", 2: "15"}
SYSTEMS = {1: 7000000000000000001, 2: 7000000000000000002}
MAXIMUM = 9999999


def wal_name(segment):
    return f"{1:08X}{segment >> 8:08X}{segment & 255:08X}"


class History:
    """Backups as backup.info has them, and WAL, on a clock that ends now. The same for the same
    seed and now."""

    def __init__(self, seed, now):
        rng = random.Random(seed)
        self.rng = rng
        self.backups = []  # (label, fields)
        self.wals = {}  # database: segments
        self.database = 1
        self.segment = rng.randint(0xF0, 0x200)
        self.upgraded = False
        # no whole number of days: no backup is to reach an age in days between two questions
        self.clock = now - DAY * rng.choice([5, 20, 60]) - 1800
        count = rng.randint(1, 18)
        # never to the future: labels would be there, but no backup has one
        self.step = (now - self.clock) // (count + 1)
        upgrade_at = rng.randint(1, count) if rng.random() < 0.25 else None
        for number in range(count):
            if number == upgrade_at:
                self.database, self.segment, self.upgraded = 2, 1, True
            self.add(self.pick_type(), self.step)

    def pick_type(self):
        if not self.of_database("F"):
            return "full"
        return self.rng.choices(["full", "diff", "incr"], [4, 4, 3])[0]

    def of_database(self, letters):
        return [label for label, fields in self.backups
                if label[-1] in letters and fields["db-id"] == self.database]

    def archive(self, count):
        segments = self.wals.setdefault(self.database, [])
        for _ in range(count):
            segments.append(wal_name(self.segment))
            self.segment += 1

    def add(self, kind, step):
        rng = self.rng
        self.clock += max(2, step)
        self.archive(rng.randint(0, 3))
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self.clock))
        prior = None
        label = stamp + "F"
        if kind != "full":
            priors = self.of_database("F" if kind == "diff" else "FDI")
            # the newest of the last full backup's family
            prior = priors[-1]
            label = f"{prior[:16]}_{stamp}{kind[0].upper()}"
        start = wal_name(self.segment)
        self.archive(rng.randint(1, 3))
        stop = self.wals[self.database][-1]
        online = rng.random() > 0.04
        fields = {
            "backrest-format": 5, "backrest-version": "2.45",
            "backup-archive-start": start if online else None,
            "backup-archive-stop": stop if online else None,
            "backup-error": False,
            "backup-info-repo-size": 1, "backup-info-repo-size-delta": 1,
            "backup-info-size": 1, "backup-info-size-delta": 1,
            "backup-timestamp-start": self.clock - 1, "backup-timestamp-stop": self.clock,
            "backup-type": kind, "db-id": self.database,
            "option-archive-check": online, "option-archive-copy": False,
            "option-backup-standby": False, "option-checksum-page": True,
            "option-compress": True, "option-hardlink": False, "option-online": online}
        if prior:
            fields["backup-prior"] = prior
            fields["backup-reference"] = [prior]
        fields = {key: value for key, value in fields.items() if value is not None}
        self.backups.append((label, fields))
        return label

    def pin(self, label):
        dict(self.backups)[label]["backup-annotation"] = {"pinned": "for the oracle"}

    def shift(self, seconds):
        """As if so much time had passed."""
        for _, fields in self.backups:
            for key in "backup-timestamp-start", "backup-timestamp-stop":
                fields[key] -= seconds


def write_info(path, sections):
    """An info file with pgbackrest's checksum, which is that of its content as JSON."""
    dump = lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True)
    sections["backrest"] = {"backrest-format": 5, "backrest-version": "2.45"}
    members = []
    text = ""
    for name in sorted(sections):
        rows = [(key, dump(value)) for key, value in sorted(sections[name].items())]
        members.append(f'"{name}":{{' + ",".join(f'"{key}":{value}' for key, value in rows) + "}")
        text += f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in rows) + "\n"
    checksum = hashlib.sha1(("{" + ",".join(members) + "}").encode()).hexdigest()
    text += f'[backrest]\nbackrest-checksum="{checksum}"\n'
    for suffix in "", ".copy":
        with open(path + suffix, "w", encoding="ascii") as file:
            file.write(text)


class Repository:
    """A repository on disk, and pgbackrest's view of it."""

    def __init__(self, folder, history):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        ids = [1, 2] if history.upgraded else [1]
        current = ids[-1]
        sections = {
            "backup:current": dict(history.backups),
            "db": self.database(current, "db-id") | {
                "db-catalog-version": 202107181, "db-control-version": 1300},
            "db:history": {str(i): self.database(i) | {
                "db-catalog-version": 202107181, "db-control-version": 1300} for i in ids}}
        for label, _ in history.backups:
            os.makedirs(f"{folder}/repo/backup/x/{label}")
            open(f"{folder}/repo/backup/x/{label}/backup.manifest", "w").close()
        write_info(f"{folder}/repo/backup/x/backup.info", sections)
        os.makedirs(f"{folder}/repo/archive/x")
        write_info(f"{folder}/repo/archive/x/archive.info", {
            "db": self.database(current, "db-id"),
            "db:history": {str(i): self.database(i) for i in ids}})
        for database, segments in history.wals.items():
            for segment in segments:
                path = f"{folder}/repo/archive/x/{VERSIONS[database]}-{database}/{segment[:16]}"
                os.makedirs(path, exist_ok=True)
                open(f"{path}/{segment}-{'0' * 40}.gz", "w").close()
        with open(f"{folder}/pgbackrest.conf", "w", encoding="ascii") as file:
            file.write(f"[global]\nrepo1-path={folder}/repo\nlock-path={folder}/lock\n"
                       f"log-level-file=off\n[x]\npg1-path={folder}/pg\n")

    @staticmethod
    def database(number, key=None):
        values = {"db-version": VERSIONS[number]}
        if key:
            return values | {"db-id": number, "db-system-id": SYSTEMS[number]}
        return values | {"db-id": SYSTEMS[number]} | {"db-system-id": SYSTEMS[number]}

    def run(self, command, *options):
        run = subprocess.run(
            ["pgbackrest", f"--config={self.folder}/pgbackrest.conf", "--stanza=x",
             "--log-level-console=off", "--log-level-stderr=error", *options, command],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"pgbackrest {command}: {run.stderr}")
        return run.stdout

    def info(self):
        return json.loads(self.run("info", "--output=json"))[0]

    def labels(self):
        return {backup["label"] for backup in self.info()["backup"]}

    def segments(self):
        found = set()
        for folder, _, files in os.walk(f"{self.folder}/repo/archive/x"):
            found |= {(folder.split("/")[-2].split("-")[1], name[:24]) for name in files
                      if name[24:25] == "-"}
        return found


def random_settings(rng):
    maybe = lambda chance, *values: rng.choice(values) if rng.random() < chance else 0
    by_time = rng.random() < 0.4
    return {
        "repo": 1, "full_by_time": by_time,
        "full": maybe(0.9, 3, 10, 25) if by_time else maybe(0.9, 1, 2, 3, 5),
        "diff": maybe(0.6, 1, 2, 3, 4), "archive": maybe(0.35, 1, 2, 4),
        "archive_type": rng.choice(["full", "full", "full", "diff", "incr"])}


def options_of(settings):
    named = {
        "full": settings["full"], "full-type": "time" if settings["full_by_time"] else "count",
        "diff": settings["diff"], "archive": settings["archive"],
        "archive-type": settings["archive_type"]}
    return [f"--repo1-retention-{name}={value}" for name, value in named.items() if value]


def ask_ours(questions):
    program = os.path.join(os.environ.get("PGBR_BUILD", "build"), "unit", "retention_test")
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    run = subprocess.run([program, "decide"], input=lines, stdout=subprocess.PIPE, text=True,
                         check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def ask_one(repository, settings):
    return ask_ours([{"stanza": repository.info(), "settings": settings,
                      "now": int(time.time())}])[0]


def expected_segments(history, ours, before):
    """The WAL that stays by our answer."""
    fields = dict(history.backups)
    kept = set()
    for database, segment in before:
        wals = [wal for wal in ours["wal"] if str(wal["database"]) == database]
        backups = [fields[b["label"]] for b in ours["backups"] if not b["goes"]
                   and str(fields[b["label"]]["db-id"]) == database]
        if not wals[0]["expires"]:
            kept.add((database, segment))
        elif segment >= fields[wals[0]["from"]]["backup-archive-start"] or any(
                b.get("backup-archive-start", "G") <= segment <= b.get("backup-archive-stop", "")
                for b in backups):
            kept.add((database, segment))
    return kept


def gone_archive(history, settings, ours):
    """The database that was upgraded and has no backup left: its whole archive goes, too."""
    left = {dict(history.backups)[b["label"]]["db-id"] for b in ours["backups"] if not b["goes"]}
    return {"1"} if history.upgraded and 1 not in left and ours["archive_count"] < MAXIMUM else set()


def expire_with_pins(repository, settings, ours):
    """As the sidecar does; see src/sidecar/runner/expiry.h."""
    archive = [f"--repo1-retention-archive={ours['archive_count']}",
               f"--repo1-retention-archive-type={settings['archive_type']}"]
    for backup in ours["backups"]:
        if backup["root"]:
            repository.run("expire", "--repo=1", f"--set={backup['label']}",
                           f"--repo1-retention-archive={MAXIMUM}")
    repository.run("expire", "--repo=1", "--repo1-retention-full-type=count",
                   f"--repo1-retention-full={MAXIMUM}", f"--repo1-retention-diff={MAXIMUM}",
                   *archive)


def compare(name, history, repository, settings, ours, expire):
    before = repository.segments()
    expire()
    wrong = []
    labels = {backup["label"] for backup in ours["backups"] if not backup["goes"]}
    theirs = repository.labels()
    if labels != theirs:
        wrong.append(f"only ours keeps {sorted(labels - theirs)}, only pgbackrest "
                     f"{sorted(theirs - labels)}")
    kept = expected_segments(history, ours, before)
    gone = gone_archive(history, settings, ours)
    kept = {(database, segment) for database, segment in kept if database not in gone}
    if kept != repository.segments():
        found = repository.segments()
        wrong.append(f"only ours keeps WAL {sorted(kept - found)}, only pgbackrest "
                     f"{sorted(found - kept)}")
    return [f"{name}, {settings}: {text}" for text in wrong]


def check_prediction(rng, folder, seed, now, settings, ours):
    """Let the future come that was told for one backup: gone then, and not one backup before."""
    wrong = []
    told = [b for b in ours["backups"] if not b["goes"]
            and (b["after_full"] or b["after_diff"] or b["at"])]
    if not told:
        return 0, []
    backup = rng.choice(told)
    ways = [way for way in ("after_full", "after_diff", "at") if backup[way]]
    way = rng.choice(ways)
    for short in (1, 0):
        history = History(seed, now)
        if way == "at":
            # not due while the machine is that slow
            history.shift(backup["at"] - int(time.time()) - (20 if short else 0))
        else:
            for _ in range(backup[way] - short):
                history.add("full" if way == "after_full" else "diff", 3)
        repository = Repository(folder, history)
        repository.run("expire", *options_of(settings))
        # by another rule it may go sooner
        sooner = len(ways) > 1 and short
        if (backup["label"] in repository.labels()) != bool(short) and not sooner:
            wrong.append(f"seed {seed}, {settings}: {backup} is {'gone' if short else 'there'}, "
                         f"{way} less {short}")
    return 1, wrong


def one_history(seed):
    rng = random.Random(seed + 1)
    now = int(time.time())
    settings = random_settings(rng)
    with tempfile.TemporaryDirectory() as folder:
        history = History(seed, now)
        repository = Repository(folder + "/a", history)
        ours = ask_one(repository, settings)
        gone = sum(b["goes"] for b in ours["backups"])
        wrong = compare(f"seed {seed}", history, repository, settings, ours,
                        lambda: repository.run("expire", *options_of(settings)))
        predicted, more = check_prediction(rng, folder + "/b", seed, now, settings, ours)
        wrong += more
        for label in rng.sample([label for label, _ in history.backups],
                                min(len(history.backups), rng.randint(1, 2))):
            history.pin(label)
        repository = Repository(folder + "/c", history)
        ours = ask_one(repository, settings)
        wrong += compare(f"seed {seed} with pins", history, repository, settings, ours,
                         lambda: expire_with_pins(repository, settings, ours))
        held = sum(b["would_go"] and not b["goes"] for b in ours["backups"])
    return gone, predicted, held, wrong


def main():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one_history, range(SEED, SEED + 2 * HISTORIES, 2)))
    wrong = [text for result in results for text in result[3]]
    gone, predicted, held = (sum(result[i] for result in results) for i in range(3))
    enough = min(gone, predicted, held) * 4 > HISTORIES
    print("1..2")
    for text in wrong[:20]:
        print(f"# {text}")
    print(f"{'not ' if wrong else ''}ok 1 - {len(results)} histories end as pgbackrest ends them")
    print(f"{'' if enough else 'not '}ok 2 - {gone} backups went, {predicted} futures came, "
          f"{held} were held by a pin")
    return 0 if enough and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
