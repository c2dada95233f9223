/*
 * Gathering what goes out in one writev, and counting down what of it went.
 */
#ifndef NEAP_PROXY_GATHER_H
#define NEAP_PROXY_GATHER_H

#include <stdint.h>
#include <sys/uio.h>

/* Adds a piece as entry n, unless it is empty; the new count. */
static inline int gather_add(struct iovec *iov, int n, const char *p, size_t len)
{
	if (len == 0)
		return n;
	iov[n].iov_base = (void *)(uintptr_t)p; /* iovec has no const */
	iov[n].iov_len = len;
	return n + 1;
}

/* The part of *went that falls on a piece of that length; *went is what is left for the next. */
static inline size_t gather_part(size_t *went, size_t len)
{
	size_t part = *went < len ? *went : len;
	*went -= part;
	return part;
}

#endif
