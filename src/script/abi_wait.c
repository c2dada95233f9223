/* Waiting, as Lua asks for it: what the running coroutine begins, and what came of it. */
#include "script/abi_wait.h"

#include <string.h>

#include "net/ping.h"
#include "script/policies.h"

enum { NAME_BYTES = 256 };

static struct co_pool *pool(void)
{
	return &policies_current()->cos;
}

/* The running coroutine's: Lua asks within one. */
static struct wait *running_wait(void)
{
	return &pool()->running->wait;
}

NEAP_API uint32_t neap_wait_sleep(double seconds)
{
	wait_sleep(running_wait(), seconds);
	return 1;
}

NEAP_API uint32_t neap_wait_resolve(const char *name, size_t n, double timeout)
{
	return wait_resolve(running_wait(), (struct str){ name, n }, timeout);
}

NEAP_API uint32_t neap_wait_records(const char *name, size_t n, uint32_t type, double timeout)
{
	return wait_records(running_wait(), (struct str){ name, n }, (enum dns_type)type, timeout);
}

NEAP_API uint32_t neap_wait_connect(const char *host, size_t n, uint32_t port, double timeout)
{
	return wait_connect(running_wait(), (struct str){ host, n }, (uint16_t)port, timeout);
}

static struct trust_wish wish_of(const neap_tls *tls)
{
	return (struct trust_wish){ tls->skips_verify != 0,
				    { tls->ca, tls->ca_n },
				    { tls->certificate, tls->certificate_n },
				    { tls->key, tls->key_n } };
}

static bool is_of_pool(const neap_tls *tls)
{
	return tls->pool_n > 0 && pool()->io.pools.find != NULL;
}

/* By the settings of its pool, or by those that came along; a pool may have a name. */
static enum err context_for(struct tls_goal *goal, const neap_tls *tls, struct error *e)
{
	const struct io_pools *pools = &pool()->io.pools;
	struct trust_wish wish = wish_of(tls);
	if (!is_of_pool(tls))
		return trusts_find(&pool()->io.trusts, &wish, &goal->context, e);
	return pools->find(pools->ctx, (struct str){ tls->pool, tls->pool_n }, &goal->context,
			   &goal->name, e);
}

/* All that connections must have in common to share sessions; false: no memory. */
static bool session_id(uint8_t id[SHA256_BYTES], const neap_tls *tls, const char *name)
{
	struct trust_wish wish = wish_of(tls);
	struct sha256 sum;
	if (!trusts_id(id, &wish))
		return false;
	sha256_init(&sum);
	sha256_add(&sum, id, SHA256_BYTES);
	sha256_add(&sum, name, strlen(name) + 1);
	sha256_add(&sum, &tls->port, sizeof tls->port);
	sha256_add(&sum, tls->host, tls->host_n);
	bool is_made = sum.openssl != NULL;
	sha256_end(&sum, id);
	return is_made;
}

/* A check does a full handshake each time: it is there to verify. */
static SSL *open_tls(const neap_tls *tls, struct tls_goal *goal)
{
	uint8_t id[SHA256_BYTES];
	if (is_of_pool(tls) || !session_id(id, tls, goal->name))
		return tls_dial_open(goal);
	return shelf_open(&pool()->io.shelf, id, goal);
}

static struct str alpn_of(const neap_tls *tls)
{
	static const struct str offers[] = { STR_INIT(""), STR_INIT("\2h2"),
					     STR_INIT("\2h2\10http/1.1") };
	return offers[tls->speaks_h2 < countof(offers) ? tls->speaks_h2 : 0];
}

static enum err secure(const neap_tls *tls, struct error *e)
{
	char own[NAME_BYTES], host[NAME_BYTES];
	struct tls_goal goal = { .alpn = alpn_of(tls) };
	enum err err = context_for(&goal, tls, e);
	if (err != ERR_OK)
		return err;
	if (!str_copy(own, sizeof own, (struct str){ tls->name, tls->name_n }) ||
	    !str_copy(host, sizeof host, (struct str){ tls->host, tls->host_n }))
		return err_set(e, ERR_INVALID, "the name of the server is too long for TLS");
	if (own[0] != '\0' || goal.name == NULL)
		goal.name = own[0] != '\0' ? own : host;
	SSL *ssl = open_tls(tls, &goal);
	wait_secure(running_wait(), ssl, (struct str){ tls->first, tls->first_n });
	return ssl != NULL ? ERR_OK
			   : err_set(e, ERR_INVALID, "this is no name for a server of TLS");
}

/* The error's text outlives this call: Lua copies it at once. */
NEAP_API uint32_t neap_wait_secure(const neap_tls *tls)
{
	static struct error e;
	if (secure(tls, &e) == ERR_OK)
		return 1;
	io_give(&pool()->io, e.text, strlen(e.text));
	return 0;
}

NEAP_API uint32_t neap_wait_send(uint32_t conn, const char *bytes, size_t n, double timeout)
{
	return wait_send(running_wait(), conn, (struct str){ bytes, n }, timeout);
}

NEAP_API uint32_t neap_wait_line(uint32_t conn, double timeout)
{
	return wait_receive(running_wait(), conn, CONN_LINE, 0, timeout);
}

NEAP_API uint32_t neap_wait_bytes(uint32_t conn, size_t n, double timeout)
{
	return wait_receive(running_wait(), conn, CONN_BYTES, n, timeout);
}

NEAP_API uint32_t neap_wait_all(uint32_t conn, double timeout)
{
	return wait_receive(running_wait(), conn, CONN_ALL, 0, timeout);
}

NEAP_API uint32_t neap_wait_some(uint32_t conn, size_t max, double timeout)
{
	return wait_receive(running_wait(), conn, CONN_SOME, max, timeout);
}

NEAP_API uint32_t neap_wait_response(uint32_t conn, uint32_t flags, size_t body_max, double timeout)
{
	return wait_response(running_wait(), conn, flags, body_max, timeout);
}

NEAP_API uint32_t neap_wait_head(uint32_t conn, uint32_t flags, double timeout)
{
	return wait_head(running_wait(), conn, flags, timeout);
}

NEAP_API uint32_t neap_wait_piece(uint32_t conn, double timeout)
{
	return wait_receive(running_wait(), conn, CONN_PIECE, 0, timeout);
}

NEAP_API uint32_t neap_wait_until(uint32_t conn, const char *end, size_t n, size_t max,
				  double timeout)
{
	struct wait_until goal = { { end, n }, max };
	return wait_until(running_wait(), conn, &goal, timeout);
}

NEAP_API uint32_t neap_wait_ping(const char *ip, size_t n, double timeout)
{
	return wait_ping(running_wait(), (struct str){ ip, n }, timeout);
}

NEAP_API uint32_t neap_wait_udp(const char *ip, size_t n, uint32_t port, const char *bytes,
				size_t bytes_n, double timeout)
{
	struct wait_place to = { { ip, n }, (uint16_t)port };
	return wait_udp(running_wait(), to, (struct str){ bytes, bytes_n }, timeout);
}

/* The error's text outlives this call: Lua copies it at once. */
NEAP_API uint32_t neap_ping_check(void)
{
	static struct error e;
	if (ping_check(&e) == ERR_OK)
		return 1;
	io_give(&pool()->io, e.text, strlen(e.text));
	return 0;
}

NEAP_API uint32_t neap_wait_event(double event, double timeout)
{
	return wait_event(running_wait(), event, timeout);
}

NEAP_API void neap_announce(double event)
{
	wait_announce(&pool()->io, event);
}

NEAP_API const char *neap_wait_failure(void)
{
	return running_wait()->failure;
}

NEAP_API uint32_t neap_wait_conn(void)
{
	const struct conn *c = running_wait()->conn;
	return c == NULL ? 0 : c->id;
}

NEAP_API uint32_t neap_wait_stood(void)
{
	const struct conn *c = running_wait()->conn;
	return c == NULL || c->dialling.dial.last >= DIAL_ADDRS_MAX ? 0 : c->dialling.dial.last;
}

NEAP_API int32_t neap_wait_ttl(void)
{
	return running_wait()->ttl_s;
}

NEAP_API uint32_t neap_wait_missing(void)
{
	int family = running_wait()->missing;
	return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

NEAP_API uint32_t neap_dns_changes(void)
{
	struct dns *dns = pool()->io.dns;
	return dns == NULL ? 0 : dns_changes(dns);
}

NEAP_API uint32_t neap_shortages(void)
{
	return pool()->io.shortages;
}

/* The head of the answer that the running wait has read; NULL: none. */
static const struct http_head *answer_head(void)
{
	const struct conn *c = running_wait()->conn;
	return c == NULL || c->answer == NULL ? NULL : &c->answer->reader.head;
}

NEAP_API uint32_t neap_wait_status(void)
{
	const struct http_head *head = answer_head();
	return head == NULL ? 0 : head->status;
}

NEAP_API uint32_t neap_wait_headers(void)
{
	const struct http_head *head = answer_head();
	if (head == NULL || head->bytes < head->fields_at)
		return 0;
	const struct conn *c = running_wait()->conn;
	io_give(&pool()->io, c->bytes + c->at + head->fields_at, head->bytes - head->fields_at);
	return 1;
}

NEAP_API void neap_conn_close(uint32_t conn)
{
	if (pool()->running != NULL)
		wait_close(running_wait(), conn);
}

NEAP_API void neap_conn_keep(uint32_t conn, const char *key, size_t n)
{
	if (pool()->running != NULL)
		wait_keep(running_wait(), conn, (struct str){ key, n });
}

NEAP_API uint32_t neap_conn_share(uint32_t conn, const char *key, size_t n)
{
	return wait_share(running_wait(), conn, (struct str){ key, n });
}

NEAP_API uint32_t neap_conn_ask(const char *key, size_t n, uint32_t is_sure)
{
	if (!wait_ask(running_wait(), (struct str){ key, n }, is_sure != 0))
		return 0;
	return running_wait()->conn->id;
}

NEAP_API uint32_t neap_conn_speaks_h2(uint32_t conn)
{
	return pool()->running != NULL && wait_speaks_h2(running_wait(), conn);
}

NEAP_API uint32_t neap_conn_reuse(const char *key, size_t n, uint32_t is_sure)
{
	bool is_kept = pool()->running != NULL &&
		       wait_reuse(running_wait(), (struct str){ key, n }, is_sure != 0);
	return is_kept ? running_wait()->conn->id : 0;
}
