"""A confined decoder can open no module: the checkout may lie where its user cannot read (a home of mode 0700)."""

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image

from local.paths import ROOT

_JOB = """
import sys
from services.media.decode import office, pdf, picture, sound
before = set(sys.modules)
code = picture.main("source.jpg", [("thumb.webp", 320)], "clean.jpg", ocr=True)
sys.exit(str(sorted(set(sys.modules) - before) or code or ""))
"""


def test_a_picture_is_decoded_with_what_is_in_memory(tmp_path: Path) -> None:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.effect_noise((400, 300), 60).convert("RGB").save(out, "JPEG", exif=exif)
    (tmp_path / "source.jpg").write_bytes(out.getvalue())
    argv = [sys.executable, "-c", _JOB]
    ended = subprocess.run(  # noqa: S603 - our own program
        argv, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ended.stderr.strip() == ""
    assert (tmp_path / "clean.jpg").exists()
