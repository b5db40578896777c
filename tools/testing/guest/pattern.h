/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lab guest: contents of a page that tell which page it is.
 */
#ifndef LAB_PATTERN_H
#define LAB_PATTERN_H

#include <stdint.h>

#define PATTERN_PAGE 4096u
#define PATTERN_WORDS (PATTERN_PAGE / sizeof(uint64_t))

/* splitmix64, public domain, Sebastiano Vigna 2015. */
static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* Word @i of the page with @key: random, and so incompressible. */
static inline uint64_t pattern_word(uint64_t key, unsigned int i)
{
	return mix(key + (i + 1) * 0x9e3779b97f4a7c15ull);
}

#endif
