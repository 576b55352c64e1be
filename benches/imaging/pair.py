"""How much two workers get done beside each other, against one alone."""
import statistics, time

from sides import ROUNDS, galerra, large, photos, verdict

EACH = 6


def run(work):
    path, workers = large(photos(work)), [galerra(), galerra()]
    job = "j4" if any("error" in worker.do("j8", path) for worker in workers) else "j8"
    gains, slowdowns = [], []
    for _ in range(max(ROUNDS, 5)):
        alone, alone_cpu = timed(workers[:1], job, path)
        both, both_cpu = timed(workers, job, path)
        gains.append(2 * alone / both)
        slowdowns.append(both_cpu / (2 * alone_cpu))
    print(f"{job} of one photograph, {EACH} times each; rounds: {', '.join(f'{gain:.2f}' for gain in gains)}")
    # Other load takes the second core away and lowers the first figure, but hardly changes the second.
    print(f"a job beside another takes {statistics.median(slowdowns):.2f} x the processor time of one alone")
    gain = statistics.median(gains)
    verdict("two at once: times the throughput of one", ">= 1.8", f"{gain:.2f}", gain >= 1.8)
    for worker in workers:
        worker.end()


def timed(workers, job, path):
    """Seconds until all of them have done their jobs, and the processor time of all jobs."""
    start = time.perf_counter()
    for worker in workers:
        for _ in range(EACH):
            worker.send(job, path)
    spent = sum(worker.receive()["cpu"] for worker in workers for _ in range(EACH))
    return time.perf_counter() - start, spent
