"""The sides of benches/imaging/run: processes that do jobs, and the photographs they do them on."""
import contextlib, glob, json, os, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.environ["GALERRA_PEERS"]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
JOBS = ["j1", "j4", "j8"]
SIZES = [320, 640, 1280, 2048]
KINDS = ["jpg", "webp"]
BENCH = "bench24-6000x4000-420-q92.jpg"


class Side:
    """A process that answers each line, a job, with a line."""

    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, job, path, out=None):
        self.process.stdin.write(json.dumps({"job": job, "path": path, "out": out}) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended")
        return json.loads(line)

    def do(self, job, path, out=None):
        self.send(job, path, out)
        return self.receive()

    def status(self, name):
        """One value of the process's status, in MB."""
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def galerra():
    return Side("galerra", os.environ["GALERRA_DEVELOP"])


def peer(library, mode):
    if library == "sharp":
        return Side(f"sharp {mode}", "node", os.path.join(HERE, "sharp.mjs"), mode)
    return Side(f"{library} {mode}", sys.executable, os.path.join(HERE, "peers.py"), library, mode)


def missing(library):
    """Whether a library cannot be loaded."""
    if library == "sharp":
        load = ["node", "-e", f"require({os.path.join(PEERS, 'node_modules', 'sharp')!r})"]
    else:
        load = [sys.executable, "-c", f"import {'PIL.Image' if library == 'pillow' else library}"]
    try:
        return subprocess.run(load, capture_output=True).returncode != 0
    except FileNotFoundError:
        return True


@contextlib.contextmanager
def running(libraries=("sharp", "pyvips", "pillow")):
    """Galerra's side and two of each library that is wanted and there."""
    wanted = os.environ.get("AGAINST", "sharp pyvips pillow").split()
    found = [galerra()]
    for library in libraries:
        if library in wanted and missing(library):
            print(f"{library} is missing: going on without it")
        elif library in wanted:
            found += [peer(library, "naive"), peer(library, "chained")]
    try:
        yield found
    finally:
        for side in found:
            side.end()


def photos(work):
    folder = os.environ.get("GALERRA_PHOTOS")
    found = sorted(glob.glob(os.path.join(folder, "*.jpg"))) if folder else []
    if found:
        return found
    print("GALERRA_PHOTOS names no folder of JPEGs: pictures are made, which are no photographs")
    from PIL import Image

    for nth, size in enumerate([(6000, 4000), (4032, 3024), (3000, 2000)]):
        noise = [Image.effect_noise((size[0] // 4, size[1] // 4), 60) for _ in "rgb"]
        made = Image.merge("RGB", noise).resize(size, Image.Resampling.BICUBIC)
        made.save(os.path.join(work, f"{nth}.jpg"), quality=92)
    return sorted(glob.glob(os.path.join(work, "*.jpg")))


def large(paths):
    """The photograph of 24 megapixels that single figures are of; without it the first."""
    return next((path for path in paths if path.endswith(BENCH)), paths[0])


def verdict(what, wanted, got, met):
    print(f"{what:44} {wanted:>9} {got:>9}   {'met' if met else 'NOT MET'}")
