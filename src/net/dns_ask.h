/*
 * Questions to DNS servers about all records of a type, for registries (dns.h gives addresses to
 * connect to). The hosts file is not looked at.
 */
#ifndef NEAP_NET_DNS_ASK_H
#define NEAP_NET_DNS_ASK_H

#include "net/dns.h"
#include "net/dns_records.h"

struct dns_ask;

struct dns_found {
	const char *
		failure; /* NULL: fine, even when there are no records; else why not (a constant) */
	struct str lines; /* as dns_records_write gives them; gone when on_done returns */
	int64_t ttl_s;	  /* -1: unknown */
};

/*
 * Asks within timeout_ms. on_done is called once, never from inside this call, unless dns_ask_cancel
 * came first. The question belongs to the resolver. NULL: no memory.
 */
struct dns_ask *dns_ask(struct dns *d, const char *name, enum dns_type type, uint32_t timeout_ms,
			void (*on_done)(void *ctx, const struct dns_found *found), void *ctx);
void dns_ask_cancel(struct dns_ask *ask); /* NULL is harmless */

#endif
