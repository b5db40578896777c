# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# Gates: commands whose status is a test result, written in KTAP to the screen
# and to build/results/, from where the suite's runner counts them. A gate
# that passed is not run again until its key changes.

# results NAME: begin build/results/NAME.ktap.
results() {
	results=$build/results/$1.ktap
	total=0 failed=0 finished=
	mkdir -p "$build/results"
	echo 'KTAP version 1' > "$results"
	trap ended EXIT
}

# An end that nobody planned is a failure, not a short list of successes.
ended() {
	[ -n "$finished" ] && return
	echo "not ok $((total + 1)) the gates ended early"
	echo "1..$((total + 1))"
} >> "$results"

# gate NAME KEY COMMAND...: one result. KEY is what the answer depends on.
gate() {
	local name=$1 key slug log
	key=$({ echo "$2"; cat "$(command -v "$3")" "$top/scripts/lib.sh"; gcc --version; } | digest)
	slug=gate-$(basename "$results" .ktap)-$(tr -cs 'A-Za-z0-9\n' - <<< "$name")
	log=$build/log/$slug.log
	total=$((total + 1))
	if same_stamp "$slug" "$key"; then
		echo "ok $total $name" | tee -a "$results"
	elif (quiet=1 logged "$log" "$name" '^  (CC|CHECK|AS)  ' 0 "${@:3}"); then
		echo "ok $total $name" | tee -a "$results"
		set_stamp "$slug" "$key"
	else
		failed=$((failed + 1))
		{ echo "not ok $total $name"; tail -n 25 "$log" | sed 's/^/# /'; } >> "$results"
		echo "not ok $total $name"
	fi
}

# summary NAME: the end of the script, with its status.
summary() {
	finished=yes
	echo "1..$total" >> "$results"
	say "$1: $((total - failed)) passed, $failed failed"
	[ "$failed" -eq 0 ]
}
