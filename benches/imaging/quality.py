"""How near the outputs come to the best that can be made of the picture at their size.

The reference is the picture decoded whole, upright and in sRGB, resized in floating point with Lanczos3 over the
values as they are encoded (the peers and Galerra resize those, too), and rounded once. Outputs of all sides are decoded by
Pillow. Photographs in inks are left out: how dark the darkest of them is, is a matter of taste, which the tests settle.
"""
import io, os, statistics, subprocess

from sides import KINDS, SIZES, photos, running, verdict


def run(work):
    paths, pairs = [path for path in photos(work) if not in_inks(path)], []
    with running(["sharp"]) as sides:
        names = [side.name for side in sides]
        for nth, path in enumerate(paths):
            for side in sides:
                folder = os.path.join(work, f"{nth} {side.name}")
                os.mkdir(folder)
                answer = side.do("j8", path, folder)
                if "error" in answer:
                    answer = side.do("j4", path, folder)
                pairs += [(side.name, *pair) for pair in outputs(work, nth, path, folder, answer.get("bytes", {}))]
    lines = "".join(f"{wanted}\t{plain}\n" for *_, wanted, plain in pairs)
    scores = subprocess.run([os.environ["GALERRA_SCORE"]], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    scored = {}
    for (name, size, kind, nth, *_), score in zip(pairs, scores.stdout.split(), strict=True):
        scored.setdefault((name, size, kind), {})[nth] = float(score)
    report(names, scored, len(paths))
    outliers(scored, paths)


def in_inks(path):
    from PIL import Image

    with Image.open(path) as image:
        return image.mode == "CMYK"


def outputs(work, nth, path, folder, made):
    """Size, format, photograph, reference and output as PNG files, of each output of a side."""
    from PIL import Image

    for size in SIZES:
        for kind in KINDS:
            if f"{size}.{kind}" not in made:
                continue
            file = os.path.join(folder, f"{size}.{kind}")
            with Image.open(file) as image:
                dimensions, plain = image.size, file + ".png"
                srgb(image).save(plain, compress_level=1)
            wanted = os.path.join(work, f"{nth} {dimensions[0]}x{dimensions[1]}.png")
            if not os.path.exists(wanted):
                reference(path, dimensions).save(wanted, compress_level=1)
            yield size, kind, nth, wanted, plain


def reference(path, size):
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        bands = srgb(ImageOps.exif_transpose(image)).split()
    bands = [band.convert("F").resize(size, Image.Resampling.LANCZOS) for band in bands]
    # The conversion to whole numbers cuts off, so that half of one is added first.
    return Image.merge("RGB", [band.point(lambda value: value * 1 + 0.5).convert("L") for band in bands])


def srgb(image):
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if profile and image.mode == "RGB":
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


def report(names, scored, photographs):
    print(f"SSIMULACRA2 against a float Lanczos3 of the whole picture, means over {photographs} photographs\n")
    print(f"{'':17}" + "".join(f"{f'{size}.{kind}':>11}" for kind in KINDS for size in SIZES))
    means = {}
    for key, by_photograph in scored.items():
        means[key] = statistics.mean(by_photograph.values())
    for name in names:
        cells = [means.get((name, size, kind)) for kind in KINDS for size in SIZES]
        print(f"{name:17}" + "".join(f"{'-':>11}" if cell is None else f"{cell:11.2f}" for cell in cells))
    print(f"\n{'goals':44} {'wanted':>9} {'got':>9}")
    for kind in KINDS:
        for size in SIZES:
            ours, theirs = (means.get((name, size, kind)) for name in ("galerra", "sharp naive"))
            if ours is not None and theirs is not None:
                got = ours - theirs
                verdict(f"{size}.{kind}: score above sharp naive", ">= -0.5", f"{got:+.2f}", got >= -0.5)


def outliers(scored, paths):
    """The photographs that are far below sharp, which a mean would hide or be moved by."""
    print()
    for (name, size, kind), by_photograph in scored.items():
        theirs = scored.get(("sharp naive", size, kind), {})
        for nth, score in by_photograph.items():
            if name == "galerra" and score < theirs.get(nth, score) - 2:
                print(f"far below: {os.path.basename(paths[nth])} {size}.{kind}: {score:.1f}, sharp naive {theirs[nth]:.1f}")
