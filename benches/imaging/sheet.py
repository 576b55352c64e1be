"""A contact sheet of the smallest renditions, to be looked at."""
import os

from sides import galerra, photos


def run(work, to):
    from PIL import Image, ImageDraw

    paths, side = photos(work), galerra()
    columns, (width, height) = 4, (660, 350)
    sheet = Image.new("RGB", (columns * width, -(-len(paths) // columns) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for nth, path in enumerate(paths):
        left, top = nth % columns * width, nth // columns * height
        folder = os.path.join(work, str(nth))
        os.mkdir(folder)
        answer = side.do("j8", path, folder)
        if "error" in answer:
            answer = side.do("j4", path, folder)
        draw.text((left + 4, top + 6), f"{os.path.basename(path)} {answer.get('error', '')}", fill="black")
        for place, kind in enumerate(["jpg", "webp"]):
            if f"320.{kind}" in answer.get("bytes", {}):
                with Image.open(os.path.join(folder, f"320.{kind}")) as image:
                    sheet.paste(image.convert("RGB"), (left + 4 + place * 326, top + 24))
    side.end()
    sheet.save(to)
    print(f"{to}: {len(paths)} photographs, JPEG at the left and WebP at the right")
