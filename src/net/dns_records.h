/*
 * Answers of DNS servers (RFC 1035 §4) to questions about addresses and services (RFC 2782), as text.
 * Bytes in, text out; no I/O. Nothing in an answer is trusted.
 */
#ifndef NEAP_NET_DNS_RECORDS_H
#define NEAP_NET_DNS_RECORDS_H

#include "base/err.h"
#include "base/out.h"

/* Types of records, by their numbers. */
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33 };

/*
 * Writes a line for each record of the type: "192.0.2.1", "2001:db8::1", or of SRV "PRIORITY WEIGHT
 * PORT TARGET" (the root is "."). *ttl_s: the smallest time to live of those and of the aliases that
 * lead to them; -1: there are none. ERR_INVALID: the answer makes no sense; ERR_LIMIT: it is too long
 * for `out`.
 */
enum err dns_records_write(struct str answer, enum dns_type type, struct out *out, int64_t *ttl_s,
			   struct error *e);

#endif
