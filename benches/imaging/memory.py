"""How much memory j8 takes: the peak above idle, the file itself included."""
import os, statistics

from sides import ROUNDS, galerra, large, missing, peer, photos


def run(work):
    from PIL import Image

    paths = [large(photos(work)), os.path.join(work, "100-megapixels.jpg")]
    hundred(paths[0]).save(paths[1], quality=92)
    small = os.path.join(work, "small.jpg")
    Image.new("RGB", (64, 64)).save(small)
    makers = [galerra]
    if missing("sharp"):
        print("sharp is missing: going on without it")
    else:
        makers += [lambda: peer("sharp", "naive"), lambda: peer("sharp", "chained")]
    print(f"MB, medians of {ROUNDS} processes{'':15} {'idle':>7} {'grew':>7}")
    for path in paths:
        for make in makers:
            print(measure(make, path, small))


def measure(make, path, small):
    idles, grown, job = [], [], "j8"
    for _ in range(ROUNDS):
        side = make()
        if "error" in side.do(job, small):
            job = "j4"
            side.do(job, small)
        idle = side.status("VmRSS")
        open(f"/proc/{side.process.pid}/clear_refs", "w").write("5")
        answer = side.do(job, path)
        idles.append(idle)
        grown.append(side.status("VmHWM") - idle)
        side.end()
        if "error" in answer:
            return f"{os.path.basename(path)[:24]:24} {side.name:14} - {answer['error']}"
    figures = f"{statistics.median(idles):7.1f} {statistics.median(grown):7.1f}"
    return f"{os.path.basename(path)[:24]:24} {side.name:14} {job} {figures}"


def hundred(path):
    """A picture of 100 megapixels, tiled with a photograph."""
    from PIL import Image

    canvas = Image.new("RGB", (11547, 8660))
    with Image.open(path) as image:
        tile = image.convert("RGB")
    for x in range(0, canvas.width, tile.width):
        for y in range(0, canvas.height, tile.height):
            canvas.paste(tile, (x, y))
    return canvas
