/*
 * Bytes kept as relaxed atomic words, so that a copy that races with a writer is no data race in
 * C11's sense; the reader finds out by a version number whether its copy is whole. Private to
 * this room.
 */
#ifndef NEAP_SHM_WORDS_H
#define NEAP_SHM_WORDS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* bytes is a multiple of 8. */
static inline void words_store(_Atomic uint64_t *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++) {
		uint64_t word;
		memcpy(&word, (const char *)from + i * 8, 8);
		atomic_store_explicit(&to[i], word, memory_order_relaxed);
	}
}

static inline void words_load(void *to, const _Atomic uint64_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++) {
		uint64_t word = atomic_load_explicit(&from[i], memory_order_relaxed);
		memcpy((char *)to + i * 8, &word, 8);
	}
}

/* Text, cut so that it can be zero terminated. count: words, at most 16. */
static inline void words_store_text(_Atomic uint64_t *to, size_t count, struct str text)
{
	char copy[16 * 8] = { 0 };
	size_t n = text.n < count * 8 - 1 ? text.n : count * 8 - 1;
	if (n > 0)
		memcpy(copy, text.p, n);
	words_store(to, copy, count * 8);
}

/* Returns the length of what was copied, zero terminated. size is not 0. */
static inline size_t words_load_text(char *to, size_t size, const _Atomic uint64_t *from,
				     size_t count)
{
	char copy[16 * 8];
	words_load(copy, from, count * 8);
	size_t n = strnlen(copy, count * 8 - 1);
	if (n >= size)
		n = size - 1;
	memcpy(to, copy, n);
	to[n] = '\0';
	return n;
}

#endif
