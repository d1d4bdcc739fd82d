# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The results of a shell test in TAP, for bash: check(), is() and skip() as often as needed, then
# tap_end. $work is an empty directory that is removed at the end.

work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
count=0 failed=0

tap_result() { # WORD TEXT [NOTES]
	count=$((count + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $count - $2"
	[ -z "${3:-}" ] || printf '%s\n' "$3" | sed 's/^/# /'
}

# check TEXT COMMAND...: the command must succeed; otherwise its output is shown.
check() {
	local text=$1 notes
	shift
	if notes=$("$@" 2>&1); then
		tap_result ok "$text"
	else
		tap_result 'not ok' "$text" "$notes"
	fi
}

# is TEXT WANTED COMMAND...: the command must print exactly this.
is() {
	local text=$1 wanted=$2 got
	shift 2
	got=$("$@" 2>&1)
	if [ "$got" = "$wanted" ]; then
		tap_result ok "$text"
	else
		tap_result 'not ok' "$text" "wanted \"$wanted\", got \"$got\""
	fi
}

skip() { # TEXT REASON
	tap_result ok "$1 # SKIP $2"
}

tap_end() {
	echo "1..$count"
	[ "$failed" = 0 ]
}
