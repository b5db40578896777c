# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the build scripts share: places, messages, and running a long command
# with its output in a log and its progress on the screen.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$top/build
cache=${RSWAP_CACHE:-${HOME:?}/.cache/rswap}
jobs=${JOBS:-$(nproc)}
export LC_ALL=C
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
mkdir -p "$build/log" "$build/stamp" "$cache"

say() { printf 'rswap: %s\n' "$*"; }
warn() { printf 'rswap: warning: %s\n' "$*" >&2; }
die() { printf 'rswap: error: %s\n' "$*" >&2; exit 1; }

# digest: the sha256 of standard input, as hexadecimal digits.
digest() { sha256sum | cut -d' ' -f1; }

# same_stamp NAME VALUE: true when stage NAME was last finished with VALUE.
same_stamp() { [ "$(cat "$build/stamp/$1" 2>/dev/null)" = "$2" ]; }
set_stamp() { printf '%s\n' "$2" > "$build/stamp/$1"; }

# lock FILE: wait until this process alone holds FILE; held until it exits.
lock() {
	exec {lock_fd}> "$1"
	flock -n "$lock_fd" && return 0
	say "waiting for another run that holds $1"
	flock "$lock_fd"
}

# ticker LOG LABEL PATTERN TOTAL: say how many lines of LOG match PATTERN, in
# place on a terminal, as a line each half minute otherwise. It waits with
# read, not sleep, so that killing it leaves no child that holds the output.
ticker() {
	local log=$1 label=$2 pattern=$3 total=$4 n every=30 fd
	exec {fd}<> <(:)
	[ -t 1 ] && every=2
	SECONDS=0
	while ! read -rt $every -u "$fd"; do
		# A script that was killed must not leave who holds its locks
		kill -0 $$ 2>/dev/null || return
		n=$(grep -cE "$pattern" "$log") || n=0
		if [ "$total" -eq 0 ]; then
			n=$([ "$n" -eq 0 ] || echo "$n steps, ")
		else
			[ "$n" -le "$total" ] || total=$n
			n="$n of about $total, $((n * 100 / total)) %, "
		fi
		if [ -t 1 ]; then
			printf '\rrswap: %s: %s%d s \033[K' "$label" "$n" $SECONDS
		else
			say "$label: $n$SECONDS s"
		fi
	done
}

# logged LOG LABEL PATTERN TOTAL COMMAND...: run COMMAND with its output in
# LOG and a ticker on the screen. A failure shows what the log has to say and
# where it is, and ends the script.
logged() {
	local log=$1 label=$2 rc=0 pid start=$SECONDS
	: > "$log"
	ticker "$@" &
	pid=$!
	"${@:5}" >> "$log" 2>&1 < /dev/null || rc=$?
	kill $pid
	wait $pid 2>/dev/null || :
	[ ! -t 1 ] || printf '\r\033[K'
	if [ $rc -ne 0 ]; then
		{ grep -nE '(error|Error|undefined reference)[: ]' "$log" | head -n 10; echo ...
		  tail -n 15 "$log"; } >&2 || :
		die "$label failed (status $rc); the whole output is in $log"
	fi
	[ -n "${quiet:-}" ] || say "$label: done in $((SECONDS - start)) s"
}

# kmake SOURCE OBJDIR ARGUMENT...: the kernel's make. OBJDIR is directly below
# SOURCE, so that the compiler sees only relative paths and ccache finds the
# objects that another clone of the project has compiled.
kmake() {
	local src=$1 obj=$2
	shift 2
	CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=10G CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content \
	CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime,time_macros \
	KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_USER=rswap \
	KBUILD_BUILD_HOST=rswap LOCALVERSION='' \
		make -C "$src" O="$(basename "$obj")" -j"$jobs" CC="$top/scripts/cc" HOSTCC='ccache gcc' "$@"
}
