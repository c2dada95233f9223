#include "exchange/flow_find.h"

#include "exchange/flow_case.h"
#include "net/datagram_key.h"
#include "script/hook.h"
#include "script/hooks.h"

enum {
	FIRST_LEAST = 8,  /* bytes of an id that a client may choose (RFC 9000 §7.2) */
	LEARNT_LEAST = 4, /* shorter ones would be met by chance in packets of others */
};

static bool is_quic(const struct service *s)
{
	return s->ready_key != NULL && s->ready_key->kind == DATAGRAM_KEY_QUIC;
}

static const struct flows *flows_at(const struct flow_gate *g)
{
	return g->service->plane->flows;
}

/* ---- reading the key ---- */

static void note(struct flow_name *name, const struct flow_gate *g, const struct datagram *d)
{
	name->id = (struct flow_id){ .service = g->service,
				     .client = name->seen.is_narrow != 0 ? &d->peer : NULL,
				     .key = { name->seen.key, name->seen.key_n } };
}

static void read_ready(const struct flow_gate *g, const struct datagram *d, struct flow_name *name,
		       uint32_t length)
{
	const struct ready_key *how = g->service->ready_key;
	name->seen.is_narrow = how->is_narrow;
	name->seen.key_n = datagram_key_read(how->kind, length, d->bytes, d->n, name->seen.key);
	note(name, g, d);
}

static bool ask(const struct flow_gate *g, const struct datagram *d, struct flow_name *name)
{
	struct peer peer;
	udp_addr_peer(&peer, &d->peer);
	struct neap_request r = { .service = g->service->number,
				  .is_tcp = 1,
				  .is_udp = 1,
				  .ip_family = peer.family,
				  .port = peer.port };
	hook_request_init(&r);
	memcpy(r.ip, peer.ip, sizeof(r.ip));
	name->seen.bytes = d->bytes;
	name->seen.n = (uint32_t)d->n;
	name->seen.key_n = name->seen.is_narrow = 0;
	r.datagram = &name->seen;
	if (!hook_key(g->service->hooks, &r))
		return false;
	note(name, g, d);
	return true;
}

/* ---- QUIC ---- */

/*
 * Short packets do not say how long the connection id is: those that backends have used are tried, the
 * longest first, so that a short one that somebody has made known takes nothing from it.
 */
static struct flow *find_short(const struct flow_gate *g, const struct datagram *d,
			       struct flow_name *name)
{
	const struct flows *all = flows_at(g);
	uint32_t lengths = g->service->ready_key->length != 0 ? 1U << g->service->ready_key->length
							      : g->service->quic_lengths;
	bool is_one = (lengths & (lengths - 1)) == 0;
	name->id.key.n = 0;
	for (uint32_t left = lengths; left != 0;) {
		uint32_t length = 31U - (uint32_t)__builtin_clz(left);
		left &= ~(1U << length);
		read_ready(g, d, name, length);
		struct flow *f = name->id.key.n == 0 ? NULL : flow_keys_find(all->keys, &name->id);
		if (f != NULL)
			return f;
	}
	if (!is_one)
		name->id.key.n = 0; /* it may be any of them */
	struct flow *f = flows_find_client(all, g, d);
	if (f != NULL && name->id.key.n > 0)
		(void)flow_keys_add(all->keys, &f->keys, &name->id, f); /* else by address */
	return f;
}

static struct flow *find_quic(const struct flow_gate *g, const struct datagram *d,
			      struct flow_name *name)
{
	if (!datagram_is_long_quic((struct str){ d->bytes, d->n }))
		return find_short(g, d, name);
	read_ready(g, d, name, 0);
	if (name->id.key.n == 0)
		return flows_find_client(flows_at(g), g, d);
	struct flow *f = flow_keys_find(flows_at(g)->keys, &name->id);
	if (f != NULL || name->id.key.n >= FIRST_LEAST)
		return f;
	name->id.key.n = 0; /* no backend has such an id, and no client may begin with it */
	return flows_find_client(flows_at(g), g, d);
}

/* ---- all of them ---- */

bool flow_find(const struct flow_gate *g, const struct datagram *d, struct flow_name *name,
	       struct flow **f)
{
	const struct service *s = g->service;
	if (is_quic(s)) {
		*f = find_quic(g, d, name);
		return true;
	}
	if (s->ready_key != NULL)
		read_ready(g, d, name, s->ready_key->length);
	else if (!ask(g, d, name))
		return false;
	*f = name->id.key.n == 0 ? flows_find_client(flows_at(g), g, d)
				 : flow_keys_find(flows_at(g)->keys, &name->id);
	return true;
}

/* A packet of QUIC may come without a key that is known: only such flows are found by address, too. */
static void be_found_by(struct flow *f, const struct flow_id *id)
{
	bool is_added = flow_keys_add(flows_of(f)->keys, &f->keys, id, f);
	if (is_quic(f->gate->service))
		flows_displace(f);
	else if (is_added)
		flows_leave_address(f);
}

void flow_name_it(struct flow *f, const struct flow_name *name)
{
	if (name->id.key.n > 0)
		be_found_by(f, &name->id);
}

bool flow_has_moved(const struct flow *f, const struct flow_gate *g, const struct datagram *d)
{
	return f->gate != g || !udp_addr_equal(&f->client, &d->peer) ||
	       !udp_addr_equal(flow_sender(f), datagram_sender(d)) ||
	       !udp_local_equal(&f->local, &d->local);
}

/*
 * A backend of QUIC gets to see another port, as it would see another address if it stood here itself:
 * it asks the new one whether it is there, before it sends much (RFC 9000 §9.3). Others go on as they
 * were.
 */
void flow_move(struct flow *f, struct flow_gate *g, const struct datagram *d)
{
	flows_move(f, g, d);
	if (f->its != NULL)
		flow_case_follow(f->its);
	if (f->state == FLOW_OPEN && is_quic(g->service))
		flows_change_port(f);
}

static void learn_one(struct flow *f, struct str bytes)
{
	struct service *s = f->gate->service;
	struct flow_id id = { .service = s, .key = datagram_quic_source(bytes) };
	if (id.key.n < LEARNT_LEAST && (id.key.n == 0 || id.key.n != s->ready_key->length))
		return;
	s->quic_lengths |= 1U << id.key.n;
	(void)flow_keys_add(flows_of(f)->keys, &f->keys, &id, f); /* known, or by address */
}

void flow_learn(struct flow *f, const struct datagram *d)
{
	struct datagram one;

	if (!is_quic(f->gate->service))
		return;
	for (size_t at = 0; datagram_split(d, &at, &one);)
		learn_one(f, (struct str){ one.bytes, one.n });
}

void flow_know(struct flow *f, struct str key, bool is_narrow)
{
	struct flow_id id = { .service = f->gate->service,
			      .client = is_narrow ? &f->client : NULL,
			      .key = key };
	if (!f->gate->service->asks_key)
		return;
	if (is_quic(f->gate->service) && key.n <= DATAGRAM_KEY_QUIC_MAX)
		f->gate->service->quic_lengths |= 1U << key.n;
	be_found_by(f, &id);
}
