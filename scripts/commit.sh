# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# The two kinds of commit of the assembled tree. Both work on the index
# GIT_INDEX_FILE in repository $tree and move $head. Used by scripts/assemble,
# which sets the variables.

# commit MESSAGE-FILE NAME EMAIL DATE: commit the index on top of $head.
commit() {
	local new
	new=$(git -C "$tree" write-tree)
	[ "$new" != "$(git -C "$tree" rev-parse "$head^{tree}")" ] || die "$(head -n 1 "$1"): changes nothing"
	head=$(GIT_AUTHOR_NAME=$2 GIT_AUTHOR_EMAIL=$3 GIT_AUTHOR_DATE=$4 \
		GIT_COMMITTER_NAME=$2 GIT_COMMITTER_EMAIL=$3 GIT_COMMITTER_DATE=$4 \
		git -C "$tree" commit-tree "$new" -p "$head" -F "$1")
}

# field NAME: that line of a git mailinfo summary.
field() { sed -n "s/^$1: //p" "$work/info"; }

# parse FILE: split a mail into $work/info (who, when, subject), $work/body
# and $work/diff; the commit message is in $work/message.
parse() {
	git mailinfo --encoding=UTF-8 "$work/body" "$work/diff" < "$1" > "$work/info"
	{ field Subject; echo; cat "$work/body"; } > "$work/message"
	if [ -z "$(field Author)" ] || [ -z "$(field Date)" ]; then
		die "$1 has no From: or Date: line"
	fi
}

# patch_commit NAME: apply a patch of patches/. git apply knows no fuzz: the
# context must be there, letter by letter. Hunks whose lines it found elsewhere are
# counted in $moved.
patch_commit() {
	local n
	[ -f "$top/patches/$1" ] || die "patches/series names $1, which does not exist"
	parse "$top/patches/$1"
	if ! git -C "$tree" apply --cached --verbose --whitespace=nowarn "$work/diff" 2> "$work/log"; then
		cat "$work/log" >&2
		die "patches/$1 does not apply to Linux $version: the series was made on $tested; $other"
	fi
	n=$(grep -c '^Hunk .* succeeded at ' "$work/log") || n=0
	moved=$((moved + n))
	commit "$work/message" "$(field Author)" "$(field Email)" "$(field Date)"
}

# overlay_commit NAME: add the overlay files whose destination matches one of
# the patterns after "Files:" in patches/overlay-NAME, and take them off the
# list. No such file yet: no commit.
overlay_commit() {
	local file=$top/patches/overlay-$1 hash dest src mode pattern patterns
	[ -f "$file" ] || die "patches/series names overlay $1: there is no patches/overlay-$1"
	parse "$file"
	patterns=$(sed -n 's/^Files: //p' "$file")
	sed -i '/^Files: /d' "$work/message"
	: > "$work/add"
	: > "$work/rest"
	set -f
	while IFS=$'\t' read -r hash dest src; do
		for pattern in $patterns; do
			# shellcheck disable=SC2053
			[[ $dest == $pattern ]] || continue
			mode=100644
			[ ! -x "$top/$src" ] || mode=100755
			printf '%s %s\t%s\n' "$mode" "$hash" "$dest" >> "$work/add"
			continue 2
		done
		printf '%s\t%s\t%s\n' "$hash" "$dest" "$src" >> "$work/rest"
	done < "$work/overlay.hashed"
	set +f
	mv "$work/rest" "$work/overlay.hashed"
	[ -s "$work/add" ] || return 0
	src=$(cut -f2 "$work/add" | tr '\n' '\0' | xargs -0 git -C "$tree" ls-files --)
	[ -z "$src" ] || die "the base has these files already, edit them by a patch: $src"
	git -C "$tree" update-index --add --index-info < "$work/add"
	commit "$work/message" "$(field Author)" "$(field Email)" "$(field Date)"
}
