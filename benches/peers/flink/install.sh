#!/usr/bin/env bash
# Puts Apache Flink, from its package on PyPI, and the runner beside this file into the directory DIR.
#
#     flink/install.sh DIR
#
# Needs pip and a JDK from 17 on; on Debian, `apt-get install openjdk-17-jdk-headless python3-pip`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
into=${1:?give the directory}
version=2.3.0

for tool in pip javac; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install openjdk-17-jdk-headless python3-pip" >&2; exit 1; }
done
mkdir -p "$into"
if [ ! -d "$into/lib" ]; then
  pip download --quiet --no-deps --no-binary :all: "apache-flink-libraries==$version" --dest "$into"
  tar -xzf "$into"/apache_flink_libraries-"$version".tar.gz -C "$into" --strip-components 2 --wildcards '*/deps/lib/*.jar'
  rm "$into"/apache_flink_libraries-"$version".tar.gz
fi
javac -d "$into" -cp "$into/lib/*" "$here/Runner.java"
