#include "exchange/flow_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/dice.h"
#include "net/trim.h"

enum {
	SHORT = 48,	/* bytes: connection ids, most names and call ids */
	SHORT_EACH = 4, /* on average, of one flow */
};

struct flow_keys {
	struct slab shorts, longs;
	struct flow_table table;
	uint64_t seed;
};

struct flow_keys *flow_keys_create(struct loop *loop, uint32_t flows)
{
	struct flow_keys *k = calloc(1, sizeof(*k));
	uint32_t shorts = flows < UINT32_MAX / SHORT_EACH ? flows * SHORT_EACH : UINT32_MAX;
	if (k == NULL || !flow_table_init(&k->table, flows)) {
		free(k);
		return NULL;
	}
	k->seed = dice_bits();
	trim_slab_init(loop, &k->shorts, sizeof(struct flow_key) + SHORT, shorts);
	trim_slab_init(loop, &k->longs, sizeof(struct flow_key) + FLOW_KEY_MAX, flows);
	return k;
}

void flow_keys_destroy(struct flow_keys *k)
{
	if (k == NULL)
		return;
	flow_table_fini(&k->table);
	slab_fini(&k->shorts);
	slab_fini(&k->longs);
	free(k);
}

/* With a seed that nobody outside knows: clients choose their keys. */
static uint32_t hash(const struct flow_keys *k, const struct flow_id *id)
{
	uint64_t h = id->client == NULL ? k->seed : udp_addr_hash(id->client, k->seed);
	for (size_t at = 0; at < id->key.n; at += sizeof(uint64_t)) {
		uint64_t word = 0;
		size_t left = id->key.n - at;
		memcpy(&word, id->key.p + at, left < sizeof(word) ? left : sizeof(word));
		h = dice_spread(h ^ word) * 0x9e3779b97f4a7c15u;
	}
	return (uint32_t)dice_spread(h ^ id->key.n);
}

static bool is_same(const struct flow_key *key, const struct flow_id *id)
{
	if (key->n != id->key.n || key->service != id->service ||
	    memcmp(key->bytes, id->key.p, key->n) != 0)
		return false;
	if (id->client == NULL)
		return key->client.u.sa.sa_family == 0;
	return key->client.u.sa.sa_family != 0 && udp_addr_equal(&key->client, id->client);
}

static struct flow *find(const struct flow_keys *k, const struct flow_id *id, uint32_t h)
{
	struct flow_link *l = flow_table_first(&k->table, h);
	for (; l != NULL; l = flow_table_skip(l->next, h)) {
		const struct flow_key *key = container_of(l, struct flow_key, link);
		if (is_same(key, id))
			return key->flow;
	}
	return NULL;
}

struct flow *flow_keys_find(const struct flow_keys *k, const struct flow_id *id)
{
	return find(k, id, hash(k, id));
}

static void put(struct flow_keys *k, struct flow_key *key)
{
	flow_table_remove(&k->table, &key->link);
	slab_put(key->is_long ? &k->longs : &k->shorts, key);
}

/* To the end of the list. One that is full forgets the second: the first is what hooks see. */
static void append(struct flow_keys *k, struct flow_key **list, struct flow_key *key)
{
	unsigned n = 0;
	struct flow_key **at = list;
	for (; *at != NULL; at = &(*at)->next)
		n++;
	*at = key;
	if (n < FLOW_KEYS_EACH)
		return;
	struct flow_key *second = (*list)->next;
	(*list)->next = second->next;
	put(k, second);
}

bool flow_keys_add(struct flow_keys *k, struct flow_key **list, const struct flow_id *id,
		   struct flow *flow)
{
	uint32_t h = hash(k, id);
	bool is_long = id->key.n > SHORT;
	if (find(k, id, h) != NULL)
		return false;
	struct flow_key *key = slab_take(is_long ? &k->longs : &k->shorts);
	if (key == NULL)
		return false;
	*key = (struct flow_key){
		.flow = flow, .service = id->service, .n = (uint8_t)id->key.n, .is_long = is_long
	};
	if (id->client != NULL)
		key->client = *id->client;
	memcpy(key->bytes, id->key.p, id->key.n);
	flow_table_add(&k->table, &key->link, h);
	append(k, list, key);
	return true;
}

void flow_keys_hide(struct flow_keys *k, struct flow_key *list)
{
	for (; list != NULL; list = list->next)
		flow_table_remove(&k->table, &list->link);
}

void flow_keys_drop(struct flow_keys *k, struct flow_key **list)
{
	for (struct flow_key *key = *list, *next; key != NULL; key = next) {
		next = key->next;
		put(k, key);
	}
	*list = NULL;
}
