"""A confined decoder can open no module: the checkout may lie where its user cannot read (a home of mode 0700)."""

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image

from local.paths import ROOT

_JOB = """
import sys
from services.media.decode import office, outgoing, pdf, picture, sound
before = set(sys.modules)
code = picture.main("source.jpg", [("thumb.webp", 320)], "clean.jpg", ocr=True)
code = code or outgoing.main("source.jpg", "wa_image.jpg", 5_000_000)
code = code or outgoing.main("moving.webp", "wa_sticker.webp", 500_000, still=100_000, side=512)
sys.exit(str(sorted(set(sys.modules) - before) or code or ""))
"""


def test_a_picture_is_decoded_with_what_is_in_memory(tmp_path: Path) -> None:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.effect_noise((400, 300), 60).convert("RGB").save(out, "JPEG", exif=exif)
    (tmp_path / "source.jpg").write_bytes(out.getvalue())
    frames = [Image.new("RGBA", (90, 60), (90, 60 * n, 20, 255)) for n in range(3)]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], duration=80)
    argv = [sys.executable, "-c", _JOB]
    ended = subprocess.run(  # noqa: S603 - our own program
        argv, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ended.stderr.strip() == ""
    for made in ("clean.jpg", "wa_image.jpg", "wa_sticker.webp"):
        assert (tmp_path / made).exists(), made
