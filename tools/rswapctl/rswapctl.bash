# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2207 # none of the words has a blank in it
# bash completion for rswapctl(8)

_rswapctl()
{
	local cur prev command i operand
	COMPREPLY=()
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD-1]}
	command=${COMP_WORDS[1]}

	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W 'attach detach list show stats --help --version' -- "$cur"))
		return
	fi
	case $prev in
	--size|--name|--connections|--queue-depth|--timeout|--watch)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		case $command in
		attach)
			i='--size --name --connections --queue-depth --timeout --thin --json --help'
			;;
		detach)
			i='--force --json --help'
			;;
		list|show)
			i='--json --help'
			;;
		stats)
			i='--watch --json --help'
			;;
		esac
		COMPREPLY=($(compgen -W "$i" -- "$cur"))
		return
	fi
	case $command in
	attach)
		# readline takes the colon for the end of a word
		[[ ${COMP_LINE} == *://* ]] ||
			COMPREPLY=($(compgen -W 'tcp:// loop://' -- "$cur"))
		compopt -o nospace
		;;
	detach|show|stats)
		# The first column of the list, without its heading
		operand=$(rswapctl list 2>/dev/null | while read -r i _; do echo "$i"; done)
		COMPREPLY=($(compgen -W "${operand#NAME}" -- "$cur"))
		;;
	esac
}
complete -F _rswapctl rswapctl
