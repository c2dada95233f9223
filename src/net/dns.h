/*
 * Names to addresses without blocking: c-ares on the loop (hosts file and resolv.conf honoured).
 */
#ifndef NEAP_NET_DNS_H
#define NEAP_NET_DNS_H

#include "net/addr.h"
#include "net/loop.h"

struct dns;
struct ares_channeldata;

#define DNS_ADDRS_MAX 8

struct dns_answer {
	const char *failure; /* NULL: fine; else why not (a constant) */
	unsigned count;
	struct addr addrs[DNS_ADDRS_MAX]; /* ports as asked */
	int ttl_s;			  /* smallest; -1 when unknown (hosts file) */
	/* AF_INET or AF_INET6: it was not answered in time; AF_UNSPEC: both were. */
	int missing;
};

/*
 * One resolver per process, made at first use. While it has queries it notices within a second that
 * resolv.conf has changed. It asks the new servers from then on, also about what is in flight.
 */
enum err dns_create(struct dns **d, struct loop *loop, struct error *e);
void dns_destroy(struct dns *d); /* queries in flight end without a callback */

/*
 * Asks these servers ("192.0.2.53", "127.0.0.1:5353,[2001:db8::53]") instead of those of
 * resolv.conf; only while no query is in flight.
 */
enum err dns_use_servers(struct dns *d, const char *servers, struct error *e);

/* How often resolv.conf has changed. It is looked at, but at most once per second. */
unsigned dns_changes(struct dns *d);

/*
 * For dns_ask.c: the loop, c-ares' channel to the servers, and that a question was put there. The
 * channel is another one after dns_used, when resolv.conf has changed.
 */
struct loop *dns_loop(const struct dns *d);
struct ares_channeldata *dns_channel(const struct dns *d);
void dns_used(struct dns *d);

struct dns_query;

/*
 * Resolves a name (both families, IPv4 first unless only IPv6 answers) within timeout_ms. A literal
 * IP is answered too. on_done is called once, never from inside this call, unless dns_cancel came
 * first. The resolver owns the query; it ends when on_done returns. When one family has addresses,
 * the other has 250 ms more; after that the answer is that half. NULL: no memory.
 */
struct dns_query *dns_resolve(struct dns *d, const char *name, uint16_t port, uint32_t timeout_ms,
			      void (*on_done)(void *ctx, const struct dns_answer *answer),
			      void *ctx);
void dns_cancel(struct dns_query *q); /* NULL is harmless; from on_done too */

#endif
