/*
 * Digests of the plain settings: agent and workers compare them to know that they have the same,
 * and a reload to see what changed. Equal settings have equal digests in every process of a binary.
 */
#ifndef NEAP_CONF_CONF_DIGEST_H
#define NEAP_CONF_CONF_DIGEST_H

#include <stdint.h>

#include "conf/conf.h"

/*
 * The digest of all plain settings. Workers count as configured, before "auto" becomes a number,
 * which may be another one where a process is pinned.
 */
uint64_t conf_digest(const struct conf *c);

/* The digest of one service, and of one pool. */
uint64_t conf_service_digest(const struct conf_service *s);
uint64_t conf_pool_digest(const struct conf_pool *p);

#endif
