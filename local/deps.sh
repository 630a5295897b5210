#!/usr/bin/env bash
# Installs the Debian packages the system uses where it may; otherwise prints the one line that does.
set -euo pipefail

needed=()
want() { # want <program or file> <package>
  if ! command -v "$1" >/dev/null 2>&1 && [ ! -e "$1" ]; then needed+=("$2"); fi
}
want mvn maven
want javac openjdk-17-jdk-headless
want node nodejs
want npm npm
want setpriv util-linux
want clamd clamav-daemon
want ffmpeg ffmpeg
want tesseract tesseract-ocr
want pdftoppm poppler-utils
want exiftool libimage-exiftool-perl
ls /usr/share/tesseract-ocr/*/tessdata/spa.traineddata >/dev/null 2>&1 || needed+=(tesseract-ocr-spa)
perl -MArchive::Zip -e 1 2>/dev/null || needed+=(libarchive-zip-perl)
ldconfig -p 2>/dev/null | grep -q 'libmagic\.so\.1' || needed+=(libmagic1)
python3 -c 'import ensurepip, venv' 2>/dev/null || needed+=(python3-venv)

if [ "${#needed[@]}" -eq 0 ]; then
  echo "· paquetes de Debian completos / Debian packages complete"
  exit 0
fi
line="apt-get install -y --no-install-recommends ${needed[*]}"
if [ "$(id -u)" -eq 0 ]; then
  run=()
elif sudo -n true 2>/dev/null; then
  run=(sudo)
else
  echo "Faltan paquetes; ejecute / packages are missing; run:"
  echo "  sudo $line"
  exit 1
fi
echo "· $line"
"${run[@]}" apt-get update -qq
# shellcheck disable=SC2086 # the line is words
DEBIAN_FRONTEND=noninteractive "${run[@]}" $line -qq
