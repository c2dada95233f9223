/*
 * A hash table of flows, by whatever their owner hashes: chains through the flows themselves. Made as
 * large as it will ever need to be, so that it never pauses to grow: the system gives the pages that
 * are touched.
 */
#ifndef NEAP_EXCHANGE_FLOW_TABLE_H
#define NEAP_EXCHANGE_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_link {
	struct flow_link *next;
	uint32_t hash;
	bool is_in;
};

struct flow_table {
	struct flow_link **heads;
	uint32_t mask;
};

/* For about so many. false: no memory. */
bool flow_table_init(struct flow_table *t, uint32_t n);
void flow_table_fini(struct flow_table *t);

void flow_table_add(struct flow_table *t, struct flow_link *link, uint32_t hash);
void flow_table_remove(struct flow_table *t, struct flow_link *link); /* harmless if it is not in */

/* The next one with that hash, from `link` on; NULL: none. To begin: flow_table_first. */
static inline struct flow_link *flow_table_skip(struct flow_link *link, uint32_t hash)
{
	while (link != NULL && link->hash != hash)
		link = link->next;
	return link;
}

static inline struct flow_link *flow_table_first(const struct flow_table *t, uint32_t hash)
{
	return flow_table_skip(t->heads[hash & t->mask], hash);
}

/* Calls it for each; it may remove the one that it is called with. */
void flow_table_each(struct flow_table *t, void (*call)(struct flow_link *link, void *ctx),
		     void *ctx);

#endif
