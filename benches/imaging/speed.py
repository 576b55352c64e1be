"""How long each job takes, and how many bytes come of it."""
import os, statistics, sys

from sides import JOBS, ROUNDS, large, photos, running, verdict


def run(work):
    paths = photos(work)
    with running() as sides:
        names = [side.name for side in sides]
        times, sizes, failed = measure(sides, paths)
    spent = {key: statistics.median(each) for key, each in times.items()}
    megapixels = {path: pixels(path) / 1e6 for path in paths}
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"ms of processor time, medians of {ROUNDS}; x is to galerra; load {load}")
    print(f"one alone is {os.path.basename(large(paths))}")
    growth = {}
    for job in JOBS:
        able = [name for name in names if any((job, name, path) in spent for path in paths)]
        shared = [path for path in paths if all((job, name, path) in spent for name in able)]
        print(f"\n{job}, {len(shared)} photographs, {sum(megapixels[path] for path in shared):.0f} MP")
        print(f"{'':17} {'ms':>8} {'ms/MP':>6} {'x':>6} {'MB':>7} {'x':>6}   {'one alone':>12} {'x':>6}")
        for name in names:
            if name not in able or not shared:
                print(f"{name:17} {'-':>8} {'-':>6} {'-':>6} {'-':>7} {'-':>6}   {'-':>12} {'-':>6}")
                continue
            total = lambda of, side, among: sum(of[job, side, path] for path in among)
            ms, size = total(spent, name, shared), total(sizes, name, shared)
            one = spent[job, name, large(shared)]
            x = lambda value, of, among: value / total(of, "galerra", among) if "galerra" in able else float("nan")
            slower, growth[job, name] = x(ms, spent, shared), x(size, sizes, shared)
            print(
                f"{name:17} {ms:8.0f} {ms / sum(megapixels[path] for path in shared):6.1f} {slower:6.2f}"
                f" {size / 1e6:7.2f} {growth[job, name]:6.3f}   {one:12.0f} {x(one, spent, [large(shared)]):6.2f}"
            )
    for (job, name, path), error in sorted(failed.items()):
        print(f"left out of {job}: {os.path.basename(path)}: {name}: {error[:80]}")
    goals(times, growth, paths)


def measure(sides, paths):
    """Processor times, sizes and errors by job, side and photograph; the sides take turns."""
    times, sizes, failed = {}, {}, {}
    for side in sides:
        for job in JOBS:
            side.do(job, paths[0])  # compilers and caches warm up unmeasured
    for nth in range(ROUNDS):
        print(f"round {nth + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        for path in paths:
            for job in JOBS:
                for side in sides:
                    key = job, side.name, path
                    answer = side.do(job, path)
                    if "error" in answer:
                        failed[key] = answer["error"]
                        continue
                    times.setdefault(key, []).append(answer["cpu"])
                    sizes[key] = sum(answer["bytes"].values())
    return times, sizes, failed


def pixels(path):
    """Width times height by the frame header of a JPEG."""
    data = open(path, "rb").read()
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return int.from_bytes(data[at + 5 : at + 7], "big") * int.from_bytes(data[at + 7 : at + 9], "big")


def goals(times, growth, paths):
    """Whether the goals are met, over all photographs and by one alone, with the range of the rounds."""
    print(f"\n{'goals':44} {'wanted':>9} {'got':>9}")
    one = [path for path in paths if path == large(paths)]
    for job, mode, least in [("j4", "naive", 3.5), ("j4", "chained", 1.8), ("j8", "naive", 4.0), ("j8", "chained", 2.4)]:
        for what, of in [("", paths), (", one alone", one)]:
            of = [path for path in of if {(job, "galerra", path), (job, f"sharp {mode}", path)} <= times.keys()]
            if not of:
                continue
            total = lambda side, reduce: sum(reduce(times[job, side, path]) for path in of)
            ratio = lambda reduce: total(f"sharp {mode}", reduce) / total("galerra", reduce)
            got = ratio(statistics.median)
            rounds = [ratio(lambda each: each[nth]) for nth in range(ROUNDS)]
            verdict(f"{job}: times as fast as sharp {mode}{what}", f">= {least}", f"{got:.2f}", got >= least)
            print(f"{'':44} rounds {min(rounds):.2f} to {max(rounds):.2f}")
    for job in ["j4", "j8"]:
        got = growth.get((job, "sharp naive"))
        if got is not None:
            more = (1 / got - 1) * 100
            verdict(f"{job}: more bytes than sharp naive", "<= 4 %", f"{more:+.1f} %", more <= 4)
