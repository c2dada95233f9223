/*
 * The plain settings of one generation: what C reads of a config, already checked, defaults filled
 * in. Made by lua/conf_read from the Lua table, immutable afterwards. Functions and policy
 * tables stay in Lua; backends live on the board. One per process; conf_fini frees all of it.
 */
#ifndef NEAP_CONF_CONF_H
#define NEAP_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf_compress.h"
#include "conf/conf_tls.h"

#define CONF_NAME_MAX 64

struct conf_timeouts { /* milliseconds; 0: none */
	uint32_t client_header, client_body, client_idle;
	uint32_t connect, response, stream_idle;
	uint32_t attempt, tunnel, request, drain, notice;
	uint32_t linger, half_closed, keepalive_probe, handshake;
	uint32_t udp;
};

struct conf_limits {
	uint32_t header_bytes, uri_bytes, headers;
	uint64_t body_bytes;			   /* 0: none */
	uint32_t hook_body_bytes;		   /* that hooks may ask for */
	uint32_t connections;			   /* per worker */
	uint32_t requests;			   /* on one client connection; 0: none */
	uint32_t streams;			   /* of HTTP/2: at a time on one connection */
	uint32_t stream_window, connection_window; /* of HTTP/2 */
	uint32_t udp_sessions;			   /* flows, per worker */
	uint32_t source_datagrams, source_flows;   /* udp: of one source, a second; 0: any */
	uint32_t source_bits_v4, source_bits_v6;   /* so much of an address is one source */
};

/* One address of a service. */
struct conf_listen {
	char *address;	     /* as written: "127.0.0.1:8080", "unix:/run/x" */
	bool is_tls;	     /* connections begin with a handshake; the service has tls.on */
	bool proxy_protocol; /* and before that with a PROXY header */
};

struct conf_service {
	char name[CONF_NAME_MAX]; /* for logs and metrics: given, or its first listen address */
	struct conf_listen *listen;
	unsigned listens;
	bool is_tcp;	      /* it has connections or flows and knows nothing of HTTP */
	bool is_udp;	      /* flows; then is_tcp, too */
	uint32_t responses;   /* udp: to each datagram; 0: any number */
	uint32_t requests;    /* udp: so many datagrams are one flow; 0: any number */
	bool refuse_on_error; /* on_error = "refuse" */
	bool is_guard;	      /* guard = true */
	bool sniffs_tls;      /* tcp: the ClientHello is read before the hooks run */
	bool http2;	      /* clients may speak HTTP/2 */
	bool half_close;      /* a client that ends its side after a request gets its answer */
	bool hides_reasons;   /* errors.expose = false */
	int pool;	      /* index into conf.pools; -1: none (a request hook answers all) */
	char **trust;	      /* forwarded.trust: CIDR texts, checked */
	unsigned trusts;
	char request_id[CONF_NAME_MAX]; /* the field that carries a request's id; "" = none */
	bool traceparent;		/* backends get one, the client's or ours */
	bool is_named;			/* one of these two */
	char via[CONF_NAME_MAX];	/* its name in Via of requests; "" = none */
	struct conf_timeouts timeouts;
	struct conf_limits limits;
	struct conf_compress compress;
	struct conf_tls tls;
};

/* Which HTTP the backends of a pool are spoken to. */
enum conf_http2 { CONF_HTTP2_OFF, CONF_HTTP2_ON, CONF_HTTP2_AUTO /* what ALPN gives */ };

struct conf_pool {
	char name[CONF_NAME_MAX];
	/* this pool's own timeouts in milliseconds; -1: the service's hold */
	int64_t connect, response, attempt, stream_idle;
	struct {
		uint32_t header_bytes, headers; /* of an answer's head */
		uint32_t stream_window;		/* of HTTP/2 */
	} limits;
	struct {
		uint32_t connections; /* idle ones that are kept, per worker and backend */
		uint32_t idle;	      /* ms */
		uint32_t requests;    /* on one upstream connection; 0: no limit */
	} keepalive;
	struct {
		/* most attempts for a request, the first included; 0: as many as candidates */
		uint32_t attempts;
		bool unsafe;	      /* send again even what is not idempotent */
		uint32_t body_bytes;  /* request body kept for replay */
		uint32_t grpc_status; /* bit s: status s of a gRPC call counts as a failure */
		uint8_t status[75];   /* bit (s - 100): status s counts as a failure */
	} retry;
	struct {
		bool on;	      /* failures are counted for it */
		uint32_t consecutive; /* 0: any number in a row is fine */
		uint32_t grpc_status; /* as in retry */
		uint8_t status[75];   /* bit (s - 100): status s counts as a failure */
	} eject;
	struct {
		uint32_t ttl; /* ms, the window; 0: no budget */
		double ratio, min_per_second;
	} budget;
	struct {
		uint32_t length;  /* over all workers; 0: nothing waits */
		uint32_t timeout; /* ms */
	} queue;
	struct {
		char pool_name[CONF_NAME_MAX];
		int pool;     /* index into conf.pools; -1: none */
		double share; /* of the requests */
	} mirror;
	struct {
		uint32_t after; /* ms; 0: no hedges */
		double share;	/* of the requests, at most */
	} hedge;
	uint8_t http2;	 /* enum conf_http2 */
	bool is_veiled;	 /* source = "client": backends see the client's address, not neap's */
	bool has_shadow; /* another policy is asked too, to compare */
	struct conf_pool_tls tls;
};

enum conf_access_format { CONF_ACCESS_COMBINED, CONF_ACCESS_JSON, CONF_ACCESS_FUNCTION };

struct conf_admin {
	char *listen;		   /* NULL: there is no admin side */
	unsigned mode;		   /* of a unix socket */
	char group[CONF_NAME_MAX]; /* its group; "": as it comes */
	char *token, *token_file;  /* NULL: none; only commands that ask it use them */
};

struct conf_explain {
	bool is_on;
	uint32_t every;		    /* each n-th request's story is told; 0: only of failures */
	char header[CONF_NAME_MAX]; /* the answers' field with the id; "" = none */
};

struct conf_store {
	char name[CONF_NAME_MAX];
	uint64_t bytes;
};

struct conf {
	uint64_t lua_memory; /* bytes that the Lua state of a process may use */
	unsigned workers;    /* auto resolved */
	char user[CONF_NAME_MAX], group[CONF_NAME_MAX]; /* "" = none */
	char *pid_file;					/* NULL: none */
	char *log_target;
	int log_level; /* enum log_level */
	struct conf_explain explain;
	char *access_log; /* its target; NULL: none */
	enum conf_access_format access_format;
	struct conf_admin admin;
	bool unsafe, hardening;
	struct conf_service *services;
	unsigned services_n;
	struct conf_pool *pools;
	unsigned pools_n;
	struct conf_store *stores; /* `shared`, by name */
	unsigned stores_n;
	uint64_t digest; /* of all plain settings: agent and workers must agree */
};

/* Frees all that c points to (not c itself) and zeroes it. */
void conf_fini(struct conf *c);

static inline bool conf_has_status(const uint8_t set[75], unsigned status)
{
	return status >= 100 && status < 700 &&
	       (set[(status - 100) / 8] >> ((status - 100) % 8) & 1) != 0;
}

/* Is a status of a gRPC call in the set? Never what is none (GRPC_NONE). */
static inline bool conf_has_grpc(uint32_t set, int status)
{
	return status >= 0 && (set >> status & 1) != 0;
}

static inline bool conf_retries_status(const struct conf_pool *p, unsigned status)
{
	return conf_has_status(p->retry.status, status);
}

#endif
