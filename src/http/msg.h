/*
 * A parsed HTTP/1 message head: views into the buffer that it was read into, as offsets from the
 * head's first byte, so that the buffer may move. Nothing is copied, nothing allocated; the owner
 * of the buffer keeps it for as long as the head is used and passes its address (base) when it
 * wants bytes.
 */
#ifndef NEAP_HTTP_MSG_H
#define NEAP_HTTP_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Fields that the proxy itself knows; all others are FIELD_OTHER. At most 63, for field masks. */
enum field_id {
	FIELD_OTHER,
	FIELD_HOST,
	FIELD_CONNECTION,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_TE,
	FIELD_TRAILER,
	FIELD_UPGRADE,
	FIELD_EXPECT,
	FIELD_KEEP_ALIVE,
	FIELD_PROXY_CONNECTION,
	FIELD_PROXY_AUTHENTICATE,
	FIELD_PROXY_AUTHORIZATION,
	FIELD_PROXY_AUTHENTICATION_INFO,
	FIELD_HTTP2_SETTINGS,
	FIELD_FORWARDED,
	FIELD_X_FORWARDED_FOR,
	FIELD_X_FORWARDED_PROTO,
	FIELD_X_FORWARDED_HOST,
	FIELD_X_FORWARDED_PORT,
	FIELD_X_REAL_IP,
	FIELD_COOKIE,
	FIELD_SET_COOKIE,
	FIELD_DATE,
	FIELD_SERVER,
	FIELD_VIA,
	FIELD_CONTENT_TYPE,
	FIELD_AUTHORIZATION,
	FIELD_MAX_FORWARDS,
	FIELD_X_NEAP_ERROR,
	FIELD_X_NEAP_ID,
	FIELD_CLIENT_CERT,
	FIELD_CLIENT_CERT_CHAIN,
	FIELD_IDS /* how many there are */
};

typedef uint64_t field_mask; /* bit 1 << id */

enum http_method {
	METHOD_OTHER,
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_TRACE,
	METHOD_CONNECT,
	METHOD_PATCH,
};

/* http_head.minor of HTTP/2, which knows all that HTTP/1.1 knows. */
enum { HTTP_2 = 2 };

/* "1.0", "1.1", "2" */
static inline struct str http_version(uint8_t minor)
{
	return minor == HTTP_2 ? STR("2") : minor == 0 ? STR("1.0") : STR("1.1");
}

struct http_span {
	uint32_t at, n; /* offset from base, length */
};

struct http_field {
	uint32_t line;	/* offset of the line (and of its name) */
	uint32_t value; /* offset of the value, blanks around it trimmed */
	uint32_t value_n;
	uint16_t name_n;
	uint8_t id;	   /* enum field_id */
	uint8_t named_hop; /* 1: a Connection field of this message lists this name */
};

enum http_framing {
	FRAMING_NONE,	 /* no body */
	FRAMING_LENGTH,	 /* Content-Length */
	FRAMING_CHUNKED, /* Transfer-Encoding: chunked */
	/* A response that ends with the connection; of HTTP/2, a body that ends with its stream. */
	FRAMING_UNTIL_CLOSE,
};

/* How the bytes of a body are framed where it is held. */
enum body_form {
	BODY_SIZED, /* not at all: its head says how long it is, or that there is none */
	BODY_CODED, /* without a length, in the chunk coding of HTTP/1, trailers included */
	BODY_PLAIN, /* without a length, and not at all: its sender says where it ends */
};

/* What the head says about its connection; bits of http_head.flags. */
enum http_flag {
	HTTP_CONN_CLOSE = 1,	  /* Connection: close */
	HTTP_CONN_KEEP_ALIVE = 2, /* Connection: keep-alive */
	HTTP_CONN_UPGRADE = 4,	  /* Connection: upgrade, and there is an Upgrade field */
	HTTP_CONN_NAMES = 8,	  /* Connection lists field names (their named_hop is set) */
	HTTP_EXPECT_CONTINUE = 16,
	HTTP_TE_TRAILERS = 32,
	HTTP_UPGRADE_H2C = 64, /* the Upgrade field lists h2c: never tunnelled */
	HTTP_HAS_LENGTH = 128, /* a (valid) Content-Length was there */
	HTTP_STRAY_BODY = 256, /* announces a body where none may be: nobody knows what follows */
};

enum http_target_form { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY, TARGET_ASTERISK };

struct http_limits {
	uint32_t header_bytes; /* whole head */
	uint32_t uri_bytes;
	uint32_t headers; /* fields per head; never above the room of the fields array */
};

/*
 * Why a message was refused: the status for the client and a short reason for x-neap-error and the
 * log.
 */
struct http_refusal {
	uint16_t status;
	bool is_limit; /* a limit of ours was exceeded: nothing is wrong with the message itself */
	const char *reason; /* a constant */
};

/* How far the parser of a head is. */
enum http_phase { PHASE_START_LINE, PHASE_FIELDS, PHASE_DONE, PHASE_BAD };

/* What it says of the bytes that it was given. */
enum h1_result {
	H1_MORE, /* not whole yet */
	H1_DONE,
	H1_BAD, /* head->refusal says why; nothing else of the head may be used */
};

struct http_head {
	/* given by the owner */
	const struct http_limits *limits;
	struct http_field *fields; /* room for limits->headers */
	bool is_response;
	/* progress of the parser */
	uint8_t phase; /* enum http_phase */
	uint32_t at;   /* first byte not parsed yet */
	/* the result */
	uint32_t bytes; /* length of the head with its blank line */
	uint32_t
		fields_at; /* offset of the first field line (= of the blank line if there are none) */
	uint16_t n;	   /* fields */
	uint8_t minor;	   /* HTTP/1.<minor>, 0 or 1; HTTP_2 */
	uint8_t method_id; /* enum http_method */
	uint16_t flags;	   /* enum http_flag */
	uint16_t status;   /* responses */
	uint8_t framing;   /* enum http_framing */
	uint8_t form;	   /* enum http_target_form */
	uint64_t length;   /* with FRAMING_LENGTH */
	struct http_span method, target, reason;
	struct http_span path,
		query; /* query without its '?' (n = 0 when there is none; see has_query) */
	bool has_query;
	struct http_span host; /* Host value, or the authority of an absolute target */
	field_mask present;    /* which known fields are there */
	struct http_refusal refusal;
};

static inline struct str http_str(const char *base, struct http_span span)
{
	return (struct str){ base + span.at, span.n };
}

static inline struct str http_field_name(const char *base, const struct http_field *f)
{
	return (struct str){ base + f->line, f->name_n };
}

static inline struct str http_field_value(const char *base, const struct http_field *f)
{
	return (struct str){ base + f->value, f->value_n };
}

static inline bool http_has(const struct http_head *h, enum field_id id)
{
	return (h->present >> id & 1) != 0;
}

/* The first field of that id (known ones) or name (any, without case); NULL when there is none. */
const struct http_field *http_find(const struct http_head *h, enum field_id id);
const struct http_field *http_find_name(const struct http_head *h, const char *base,
					struct str name);

/* RFC 9110 §9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE. */
bool http_is_idempotent(uint8_t method_id);

#endif
