#include "exchange/flow_table.h"

#include <stdlib.h>

bool flow_table_init(struct flow_table *t, uint32_t n)
{
	uint32_t size = 64;
	while (size < n && size < UINT32_C(1) << 24)
		size *= 2;
	t->heads = calloc(size, sizeof(struct flow_link *));
	t->mask = size - 1;
	return t->heads != NULL;
}

void flow_table_fini(struct flow_table *t)
{
	free(t->heads);
	t->heads = NULL;
}

void flow_table_add(struct flow_table *t, struct flow_link *link, uint32_t hash)
{
	struct flow_link **head = &t->heads[hash & t->mask];
	*link = (struct flow_link){ .next = *head, .hash = hash, .is_in = true };
	*head = link;
}

void flow_table_remove(struct flow_table *t, struct flow_link *link)
{
	if (!link->is_in)
		return;
	struct flow_link **at = &t->heads[link->hash & t->mask];
	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	link->is_in = false;
}

void flow_table_each(struct flow_table *t, void (*call)(struct flow_link *link, void *ctx),
		     void *ctx)
{
	for (uint32_t i = 0; i <= t->mask; i++) {
		for (struct flow_link *l = t->heads[i], *next; l != NULL; l = next) {
			next = l->next;
			call(l, ctx);
		}
	}
}
