"""Files as they are handed over, honest and hostile ones; nothing of a hostile one is taken."""

import json
import random
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ops.imports.chat import Message, Rejected
from ops.imports.exporter import open_exported
from ops.imports.reasons import BadFileError
from ops.imports.source import CHUNK, Folder, open_text, title_of

CHAT = "13/3/24, 14:05 - Ana: hola\n13/3/24, 14:06 - Ana: adiós\n"


def zipped(path: Path, members: list[tuple[Any, bytes]], name: str = "_chat.txt", chat: str = CHAT) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, chat)
        for member, body in members:
            archive.writestr(member, body)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-16", "\n"), ("utf-8", "\r\n")]
)
def test_lines_in_every_encoding_a_phone_or_an_editor_leaves(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "Chat de WhatsApp con Ana.txt"
    path.write_bytes(CHAT.replace("\n", end).encode(encoding))
    text = open_text(path)
    assert list(text.lines()) == CHAT.splitlines()
    assert list(text.lines()) == CHAT.splitlines()
    assert text.title == "Ana"


def test_only_line_feeds_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes("a\u2028b\x0bc\x85d\ne".encode())
    assert list(open_text(path).lines()) == ["a\u2028b\x0bc\x85d", "e"]


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(CHAT.encode() + "13/3/24, 14:07 - Ana: año\n".encode("latin-1"))
    with pytest.raises(BadFileError, match="UTF-8"):
        list(open_text(path).lines())


def test_an_endless_line_is_no_chat(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(b"x" * (CHUNK + 10))
    with pytest.raises(BadFileError, match="1 MiB"):
        list(open_text(path).lines())


async def test_a_zip_gives_its_text_and_its_files(tmp_path: Path) -> None:
    body = random.Random(1).randbytes(3_000_000)  # noqa: S311 - a file, not a secret
    text = open_text(zipped(tmp_path / "WhatsApp Chat - Ana.zip", [("IMG-20240313-WA0001.jpg", body)]))
    assert list(text.lines()) == CHAT.splitlines()
    assert text.title == "Ana"
    assert text.files.has("IMG-20240313-WA0001.jpg")
    file = text.files.get("IMG-20240313-WA0001.jpg")
    assert file is not None
    chunks = [chunk async for chunk in file.read()]
    assert b"".join(chunks) == body
    assert max(map(len, chunks)) <= CHUNK
    assert file.size == len(body)
    assert text.files.get("IMG-20240313-WA0002.jpg") is None


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("../../etc/cron.d/x", b"x")], "sale de su carpeta"),
        ([("/etc/passwd", b"x")], "sale de su carpeta"),
        ([("..\\..\\x", b"x")], "sale de su carpeta"),
        ([("C:/x", b"x")], "sale de su carpeta"),
        ([(link("foto.jpg"), b"/etc/passwd")], "enlace"),
        ([("a/foto.jpg", b"x"), ("b/foto.jpg", b"x")], "mismo nombre"),
        ([("bomba.jpg", b"\0" * 40_000_000)], "crece demasiado"),
    ],
)
def test_a_hostile_zip_is_refused_whole(tmp_path: Path, members: list[tuple[Any, bytes]], why: str) -> None:
    with pytest.raises(BadFileError, match=why):
        open_text(zipped(tmp_path / "x.zip", members))


def test_too_many_members_and_too_many_bytes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "x.zip", [(f"{n}.jpg", b"x" * 10) for n in range(20)])
    monkeypatch.setattr("ops.imports.source.MOST_FILES", 20)
    with pytest.raises(BadFileError, match="21 archivos"):
        open_text(path)
    monkeypatch.setattr("ops.imports.source.MOST_FILES", 30)
    monkeypatch.setattr("ops.imports.source.MOST_BYTES", 200)
    with pytest.raises(BadFileError, match="desempacado"):
        open_text(path)


def test_an_encrypted_or_cut_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", [("foto.jpg", b"x")])
    whole = path.read_bytes()
    central = whole.index(b"PK\x01\x02")
    path.write_bytes(whole[: central + 8] + b"\x01" + whole[central + 9 :])
    with pytest.raises(BadFileError, match="cifrado"):
        open_text(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFileError):
        list(open_text(path).lines())


def test_a_damaged_text_is_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", [], chat=CHAT * 300)
    broken = bytearray(path.read_bytes())
    for at in range(60, 75):
        broken[at] ^= 0xFF
    path.write_bytes(broken)
    with pytest.raises(BadFileError, match=r"dañado|UTF-8"):
        list(open_text(path).lines())


async def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", [("foto.jpg", bytes(range(256)) * 40)])
    broken = bytearray(path.read_bytes())
    at = broken.index(b"foto.jpg") + 40
    broken[at : at + 8] = b"\xff" * 8
    path.write_bytes(broken)
    file = open_text(path).files.get("foto.jpg")
    assert file is not None
    with pytest.raises(BadFileError):
        [chunk async for chunk in file.read()]


@pytest.mark.parametrize("name", ["nota.txt", "otro.txt"])
def test_a_text_that_was_sent_is_not_the_chat(tmp_path: Path, name: str) -> None:
    text = open_text(zipped(tmp_path / "x.zip", [(name, b"nada")], name="Chat de WhatsApp con Ana.txt"))
    assert text.title == "Ana"
    assert list(text.lines()) == CHAT.splitlines()


def test_a_zip_without_a_chat_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("foto.jpg", b"x")
    with pytest.raises(BadFileError, match="no tiene el texto"):
        open_text(tmp_path / "x.zip")


def test_files_beside_a_text_are_reached_by_no_link_and_no_way_out(tmp_path: Path) -> None:
    inside = tmp_path / "chat"
    inside.mkdir()
    (tmp_path / "secreto.jpg").write_bytes(b"x")
    (inside / "foto.jpg").write_bytes(b"x")
    (inside / "liga.jpg").symlink_to(tmp_path / "secreto.jpg")
    (inside / "carpeta").symlink_to(tmp_path)
    files = Folder(inside / "chat.txt")
    assert files.has("foto.jpg")
    for name in (
        "liga.jpg",
        "../secreto.jpg",
        "carpeta/secreto.jpg",
        str(tmp_path / "secreto.jpg"),
        "",
        "a\0b",
        ".",
    ):
        assert not files.has(name), name


@pytest.mark.parametrize(
    ("stem", "title"),
    [
        ("Chat de WhatsApp con Ana López", "Ana López"),
        ("Chat de WhatsApp con Ana (2)", "Ana"),
        ("WhatsApp Chat - Ana (Vecina)", "Ana (Vecina)"),
        ("WhatsApp Chat with +52 1 55 1234 5678", "+52 1 55 1234 5678"),
        ("Conversa do WhatsApp com João", "João"),
        ("_chat", ""),
    ],
)
def test_titles(stem: str, title: str) -> None:
    assert title_of(stem) == title


def exported(tmp_path: Path, chats: dict[str, Any]) -> Path:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(chats), "utf-8")
    return path


def row(data: str | None, **more: Any) -> dict[str, Any]:
    base = {
        "from_me": False,
        "timestamp": 1710360300,
        "time": "14:05",
        "media": False,
        "key_id": "A",
        "meta": False,
    }
    return {**base, "data": data, "sender": None, "caption": None, "mime": None, "sticker": False, **more}


def test_the_json_of_whatsapp_chat_exporter(tmp_path: Path) -> None:
    (tmp_path / "WhatsApp" / "Media").mkdir(parents=True)
    (tmp_path / "WhatsApp" / "Media" / "a.jpg").write_bytes(b"x")
    rows = {
        "1": row("hola <br>¿cómo va?"),
        "2": row("bien", from_me=True, timestamp=1710360360000),
        "3": row("WhatsApp/Media/a.jpg", media=True, mime="image/jpeg", caption="mira"),
        "4": row("The media is missing", media=True, mime="media", meta=True),
        "5": row("Ana changed the subject", meta=True),
        "6": {"nada": 1},
    }
    chats = {"5215512345678@s.whatsapp.net": {"name": "Ana", "type": "android", "messages": rows}}
    (chat,) = open_exported(exported(tmp_path, chats))
    assert (chat.title, chat.group, chat.phone) == ("Ana", False, "5215512345678")
    found = list(chat.found())
    hello, fine, photo, gone, notice, odd = found
    assert isinstance(odd, Rejected)
    kept = [each for each in (hello, fine, photo, gone, notice) if isinstance(each, Message)]
    assert [each.said.kind for each in kept] == ["text", "text", "media", "media", "system"]
    assert kept[0].said.text == "hola\n¿cómo va?"
    assert [each.mine for each in kept] == [False, True, False, False, False]
    assert kept[1].at_s == 1710360360
    assert (kept[2].said.file, kept[2].said.text, kept[2].said.type) == (
        "WhatsApp/Media/a.jpg",
        "mira",
        "image",
    )
    assert kept[3].said.file is None
    assert [each.sender for each in kept] == ["Ana", "Tú", "Ana", "Ana", None]


def test_a_group_of_the_json_keeps_its_senders(tmp_path: Path) -> None:
    rows = {"1": row("hola", sender="Luis"), "2": row("va", from_me=True)}
    (chat,) = open_exported(exported(tmp_path, {"120363@g.us": {"name": "Vecinos", "messages": rows}}))
    assert (chat.group, chat.phone, chat.key) == (True, None, None)
    assert [each.sender for each in chat.found() if isinstance(each, Message)] == ["Luis", "Tú"]


def test_two_groups_of_one_name_are_told_apart(tmp_path: Path) -> None:
    chats = {f"{n}@g.us": {"name": "Vecinos", "messages": {}} for n in (1, 2)}
    chats["3@g.us"] = {"name": "Otros", "messages": {}}
    assert [chat.key for chat in open_exported(exported(tmp_path, chats))] == ["1@g.us", "2@g.us", None]


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', '{"a": {"name": "x"}}'])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BadFileError):
        open_exported(path)
