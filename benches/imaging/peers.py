"""pyvips' and Pillow's side of benches/imaging/run: the same line protocol, as LIBRARY MODE."""
import io, json, os, sys, time

library, mode = sys.argv[1:3]
SIZES = {"j1": [1280], "j4": [320, 640, 1280, 2048], "j8": [320, 640, 1280, 2048]}

if library == "pyvips":
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips

    pyvips.cache_set_max(0)

    def develop(job, data):
        # Without a profile there is nothing to convert, and libvips would take 150 ms to find the same pixels.
        tagged = pyvips.Image.new_from_buffer(data, "").get_typeof("icc-profile-data") != 0
        options = {"export_profile": "srgb"} if tagged else {}

        def thumb(source, size):
            if isinstance(source, bytes):
                return pyvips.Image.thumbnail_buffer(source, size, height=size, size="down", **options)
            return source.thumbnail_image(size, height=size, size="down")

        source = data
        if mode == "chained":
            source = thumb(data, 2048).copy_memory()
        made = {}
        for size in SIZES[job]:
            made[f"{size}.jpg"] = thumb(source, size).jpegsave_buffer(Q=80, keep="none", optimize_coding=True)
            if job == "j8":
                made[f"{size}.webp"] = thumb(source, size).webpsave_buffer(Q=80, keep="none")
        return made
else:
    from PIL import Image, ImageOps

    def develop(job, data):
        # Colours stay as they are: Pillow converts none unless told how.
        def opened(size):
            image = Image.open(io.BytesIO(data))
            image.draft("RGB", (size, size))
            return ImageOps.exif_transpose(image).convert("RGB")

        def thumb(image, size):
            image = image.copy()
            image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
            return image

        source = thumb(opened(2048), 2048) if mode == "chained" else None
        made = {}
        for size in SIZES[job]:
            for kind in ["jpg", "webp"] if job == "j8" else ["jpg"]:
                image = thumb(source or opened(size), size)
                out = io.BytesIO()
                image.save(out, {"jpg": "JPEG", "webp": "WEBP"}[kind], quality=80)
                made[f"{size}.{kind}"] = out.getvalue()
        return made


for line in sys.stdin:
    job = json.loads(line)
    data = open(job["path"], "rb").read()
    wall, before = time.perf_counter(), time.process_time()
    try:
        made = develop(job["job"], data)
    except Exception as error:
        print(json.dumps({"error": str(error)}), flush=True)
        continue
    spent, took = time.process_time() - before, time.perf_counter() - wall
    if job.get("out"):
        for name, output in made.items():
            open(os.path.join(job["out"], name), "wb").write(output)
    sizes = {name: len(output) for name, output in made.items()}
    print(json.dumps({"cpu": spent * 1000, "wall": took * 1000, "bytes": sizes}), flush=True)
