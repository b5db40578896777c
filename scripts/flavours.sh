# SPDX-License-Identifier: GPL-2.0
# Sourced by those who build kernels.

# flavour NAME: the configuration fragments and the modules of a kernel, besides the
# lab's own, as $fragments and $modules. Fails if there is no such kernel.
flavour() {
	local f=$top/tools/testing/config
	modules=()
	case $1 in
	lean)
		fragments=("$f/lean.config" "$f/peers.config" "$f/rswap-y.config") ;;
	debug)
		fragments=("$f/lean.config" "$f/debug.config" "$f/rswap-m.config" "$f/rswap-kunit.config")
		modules=(drivers/block/rswap/{rswap,rswap_kunit}.ko {mm/mem_reserve,net/core/netvm}_kunit.ko) ;;
	stock)
		fragments=("$f/lean.config" "$f/peers.config" "$f/stock.config") ;;
	*)
		return 1 ;;
	esac
}
