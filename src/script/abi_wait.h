/*
 * The contract between C and Lua (abi.h): what hooks wait for.
 */
#ifndef NEAP_SCRIPT_ABI_WAIT_H
#define NEAP_SCRIPT_ABI_WAIT_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/*
 * Waiting. Each function of the first group begins something for the running coroutine. 1: it must
 * yield now, and has the result when it is resumed; 0: the result is there already. The result is
 * neap_wait_failure() (NULL: fine) and neap_current.out.
 */
uint32_t neap_wait_sleep(double seconds);
uint32_t neap_wait_resolve(const char *name, size_t n, double timeout);
/* type: 1 (A), 28 (AAAA) or 33 (SRV); out: a line each, as net/dns_records.h says. */
uint32_t neap_wait_records(const char *name, size_t n, uint32_t type, double timeout);
/*
 * The next neap_wait_connect, which must follow at once, speaks TLS. All texts may be empty. 1: fine;
 * 0: not, and out has the reason.
 */
typedef struct neap_tls {
	const char *name, *host; /* the server's own name, if it has one, and its host */
	size_t name_n, host_n, pool_n;
	const char *pool; /* of a check: its settings hold instead of ca to key */
	const char *ca;	  /* PEM, as the two after it; empty: the system's */
	size_t ca_n;
	const char *certificate, *key;
	size_t certificate_n, key_n;
	const char *first; /* sent in the clear before the handshake */
	size_t first_n;
	uint32_t skips_verify, port;
	uint32_t speaks_h2; /* 1: HTTP/2 is asked for; 2: or HTTP/1.1 */
} neap_tls;
uint32_t neap_wait_secure(const neap_tls *tls);
/* host: a name, "unix:/path", or IP addresses with a blank between: the first that stands wins. */
uint32_t neap_wait_connect(const char *host, size_t n, uint32_t port, double timeout);
uint32_t neap_wait_send(uint32_t conn, const char *bytes, size_t n, double timeout);
uint32_t neap_wait_line(uint32_t conn, double timeout);
/* Up to these bytes, which are left out; at most max before them. */
uint32_t neap_wait_until(uint32_t conn, const char *end, size_t n, size_t max, double timeout);
uint32_t neap_wait_bytes(uint32_t conn, size_t n, double timeout);
uint32_t neap_wait_all(uint32_t conn, double timeout);
uint32_t neap_wait_some(uint32_t conn, size_t max, double timeout); /* what has come */
uint32_t neap_wait_ping(const char *ip, size_t n, double timeout);  /* an ICMP echo */
/* The answer to a datagram, in out. */
uint32_t neap_wait_udp(const char *ip, size_t n, uint32_t port, const char *bytes, size_t bytes_n,
		       double timeout);
enum neap_answer_flag {
	NEAP_ANSWER_TO_HEAD = 1,
	NEAP_ANSWER_CUT = 2, /* of a longer body the first body_max bytes are enough */
};
/* flags: enum neap_answer_flag */
uint32_t neap_wait_response(uint32_t conn, uint32_t flags, size_t body_max, double timeout);
/* The head of an answer, then its body in pieces until one is empty. */
uint32_t neap_wait_head(uint32_t conn, uint32_t flags, double timeout);
uint32_t neap_wait_piece(uint32_t conn, double timeout);
/* Until neap_announce says that event, a whole number from 0 on below 2^53. */
uint32_t neap_wait_event(double event, double timeout);
void neap_announce(double event);
const char *neap_wait_failure(void);
uint32_t neap_wait_conn(void);	  /* the connection that neap_wait_connect made */
uint32_t neap_wait_stood(void);	  /* which of its addresses that was, from 0 */
int32_t neap_wait_ttl(void);	  /* seconds, of what neap_wait_resolve found; -1: unknown */
uint32_t neap_wait_missing(void); /* 4, 6: nothing is known of such addresses; else 0 */
uint32_t neap_dns_changes(void);  /* how often resolv.conf was found changed */
uint32_t neap_wait_status(void);  /* of the answer whose head was read */
uint32_t
neap_wait_headers(void); /* its header lines, into out: before its first piece is asked for */
uint32_t neap_ping_check(void); /* 1: this process may ping; else why not, in out */
/* Keeps it, or closes it when it cannot be used again; key: server and terms, hexadecimal. */
void neap_conn_keep(uint32_t conn, const char *key, size_t n);
uint32_t neap_conn_reuse(const char *key, size_t n, uint32_t is_sure); /* kept one; 0: none */
/* It speaks HTTP/2 and is shared by all from now on. 1: fine; 0: it could not, and is closed. */
uint32_t neap_conn_share(uint32_t conn, const char *key, size_t n);
/* For one request over a shared one: its number as a connection; 0: there is none. */
uint32_t neap_conn_ask(const char *key, size_t n, uint32_t is_sure);
uint32_t neap_conn_speaks_h2(uint32_t conn); /* 1: agreed on in its handshake of TLS (ALPN) */
void neap_conn_close(uint32_t conn);	     /* harmless when it is closed already */

/* cdef end */

#endif
