# SPDX-License-Identifier: GPL-2.0
#
# The front door: "make help" says what there is. Every target finds out by
# content what is left to do, so a second run of anything is quick.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help

help:
	@sed -n 's/^## \{0,1\}//p' Makefile

## rswap: safe, fast swap to the memory of other machines
##
##   make run           install what is missing, build, and watch a small machine
##                      swap over TCP (MEM=128 WORKLOAD=300, in MB)
##   make check         build everything and run the gates and the test suite
##   make check-full    the same with the long tests
##   make bench         what the series costs when nobody uses it: the patched
##                      kernel against the stock one (ROUNDS=5)
##
##   make tree          build/tree: base source + overlay + series
##   make kernel        build/bzImage: the patched kernel, driver built in
##   make kernel-debug  build/bzImage.debug: KASAN, lockdep
##   make stock         build/bzImage.stock: the unpatched base
##   make tools         build/bin/rswapd, build/bin/rswapctl
##   make initramfs     build/initramfs.cpio.gz: what the lab's machines start
##   make series        build/series/: the series, self-contained, for git am
##   make check-series  the gates: every patch applies and builds, checkpatch,
##                      sparse, W=1, generated files, round trip
##   make ablate        take each patch to the kernel's code out in turn and see the
##                      test fail that is said to need it
##   make deb           build/deb/: kernel packages (CONFIG=file, or the lab's)
##   make packages      install the Debian packages that are missing
##   make clean         remove build/ (the cache stays)
##
## Variables: KERNEL_SRC=dir (any 6.12.y source instead of linux-source-6.12),
## RSWAP_CACHE=dir (~/.cache/rswap: base source, ccache, kernels; may be deleted at any
## time), JOBS=n (parallel compilations).

packages:
	@scripts/packages

packages-full:
	@scripts/packages full

tree: packages
	@scripts/assemble

kernel: tree
	@scripts/build-kernel lean

kernel-debug: tree
	@scripts/build-kernel debug

stock: packages
	@scripts/build-kernel stock

# The kernel headers of the protocol and of netlink are used from the overlay.
tools: packages
	@$(MAKE) -s -C tools/rswapd
	@$(MAKE) -s -C tools/rswapctl

initramfs: tools
	@tools/testing/mkinitramfs

# For the suite: also the servers that look for their own mistakes, and images
# that hold the debug kernel's modules.
initramfs-full: tools kernel-debug
	@$(MAKE) -s -C tools/rswapd asan
	@$(MAKE) -s -C tools/rswapd SANITIZE=thread
	@tools/testing/mkinitramfs

series: tree
	@scripts/export-series

check-series: tree
	@scripts/check-series

run: kernel initramfs
	@tools/testing/run demo

check: tools kernel kernel-debug stock initramfs-full
	@scripts/check

check-full: packages-full tools kernel kernel-debug stock initramfs-full
	@scripts/check --full

ablate: kernel tools initramfs
	@scripts/ablate

bench: packages-full kernel stock initramfs
	@tools/testing/bench/idle $(if $(ROUNDS),--rounds $(ROUNDS))

# It makes the tree itself, when it has looked at CONFIG.
deb:
	@scripts/build-deb "$(CONFIG)"

clean:
	rm -rf build

.PHONY: help packages packages-full tree kernel kernel-debug stock tools initramfs \
	initramfs-full series check-series run check check-full ablate bench deb \
	clean
# The kernel builds and packages use all processors by themselves.
.NOTPARALLEL:
