/* What Lua asks of requests and answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/edits.h"
#include "http/h1_write.h"
#include "net/client_tls.h"
#include "script/abi.h"
#include "script/hook.h"
#include "script/policies.h"

enum { JOINED_MAX = 16384 };

static uint32_t give(struct str s)
{
	neap_current *current = &policies_current()->cos.current;
	current->out = s.p;
	current->out_n = (uint32_t)s.n;
	return 1;
}

static bool append_value(char *to, size_t *n, struct str s)
{
	if (s.n > JOINED_MAX - *n)
		return false;
	memcpy(to + *n, s.p, s.n);
	*n += s.n;
	return true;
}

/* All values of fields of that name, from field `first` on, as one list. */
static struct str join_values(const struct http_head *h, const char *base, struct str name,
			      uint16_t first)
{
	static char joined[JOINED_MAX];
	struct str separator = str_eq_nocase(name, STR("cookie")) ? STR("; ") : STR(", ");
	size_t n = 0;
	for (uint16_t i = first; i < h->n; i++) {
		if (!str_eq_nocase(http_field_name(base, &h->fields[i]), name))
			continue;
		if ((n > 0 && !append_value(joined, &n, separator)) ||
		    !append_value(joined, &n, http_field_value(base, &h->fields[i])))
			break;
	}
	return (struct str){ joined, n };
}

/* RFC 9440 §4: what a client says of certificates is believed by nobody; request.tls has it. */
static bool is_untold(const struct http_head *h, const struct http_field *f)
{
	return !h->is_response && (f->id == FIELD_CLIENT_CERT || f->id == FIELD_CLIENT_CERT_CHAIN);
}

static uint32_t find_header(const struct http_head *h, const char *base, const void *edits,
			    struct str name)
{
	struct str value;
	int edited = edits_find(edits, name, &value);
	if (edited > 0)
		return give(value);
	if (edited < 0 || h == NULL)
		return 0;
	const struct http_field *first = http_find_name(h, base, name);
	if (first == NULL || is_untold(h, first))
		return 0;
	uint16_t at = (uint16_t)(first - h->fields);
	for (uint16_t i = (uint16_t)(at + 1); i < h->n; i++) {
		if (str_eq_nocase(http_field_name(base, &h->fields[i]), name))
			return give(join_values(h, base, name, at));
	}
	return give(http_field_value(base, first));
}

NEAP_API uint32_t neap_request_header(const neap_request *r, const char *name, size_t n)
{
	return find_header(r->head, r->base, r->edits, (struct str){ name, n });
}

NEAP_API uint32_t neap_request_cookie(const neap_request *r, const char *name, size_t n)
{
	const neap_current *current = &policies_current()->cos.current;
	struct str wanted = { name, n }, item;
	if (!neap_request_header(r, "cookie", 6))
		return 0;
	struct str rest = { current->out, current->out_n };
	while (str_split(&rest, ';', &item)) {
		struct str value = str_trim(item), key;
		if (!str_split(&value, '=', &key) || value.p == NULL || !str_eq(key, wanted))
			continue;
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			value = (struct str){ value.p + 1, value.n - 2 };
		return give(value);
	}
	return 0;
}

NEAP_API uint32_t neap_request_client_ip(const neap_request *r)
{
	static char text[INET6_ADDRSTRLEN];
	return give(hook_client_ip(r, text));
}

NEAP_API uint32_t neap_request_id(const neap_request *r)
{
	static char text[48];
	return give(hook_request_id(policies_hooks(policies_current(), r->service), r, text,
				    sizeof text));
}

NEAP_API uint32_t neap_request_said(const neap_request *r, uint32_t what)
{
	const struct client_tls *said = r->outer_tls;
	if (said == NULL)
		return 0;
	struct str text = what == NEAP_SAID_SNI	   ? said->sni
			  : what == NEAP_SAID_ALPN ? said->alpn
						   : said->ja4;
	bool is_known = text.n > 0 || (what == NEAP_SAID_ALPN && text.p != NULL);
	return is_known ? give(text) : 0;
}

/* The views hold the edits as void *, for Lua does not know their type. */
static uint32_t change_header(void **held,
			      enum edits_result (*how)(struct edits **, struct str, struct str),
			      struct str name, struct str value)
{
	struct edits *edits = *held;
	uint32_t result = how(&edits, name, value);
	*held = edits;
	return result;
}

NEAP_API uint32_t neap_request_set_header(neap_request *r, const char *name, size_t n,
					  const char *value, size_t value_n)
{
	return change_header(&r->edits, edits_set, (struct str){ name, n },
			     (struct str){ value, value_n });
}

/* The path is kept with the query that goes out with it. */
NEAP_API uint32_t neap_request_set_path(neap_request *r, const char *path, size_t n)
{
	bool keeps_query = r->has_query != 0 && memchr(path, '?', n) == NULL;
	size_t query_n = keeps_query ? r->query_n + 1u : 0;
	if (n > NEAP_PATH_MAX || !h1_is_target((struct str){ path, n }))
		return EDITS_BAD_VALUE;
	char *new = malloc(n + query_n + 1);
	if (new == NULL)
		return EDITS_MEMORY;
	memcpy(new, path, n);
	if (keeps_query) {
		new[n] = '?';
		memcpy(new + n + 1, r->query, r->query_n);
	}
	free(r->new_path);
	r->new_path = new;
	r->new_path_n = (uint32_t)(n + query_n);
	return 0;
}

NEAP_API uint32_t neap_response_header(const neap_response *r, const char *name, size_t n)
{
	return find_header(r->head, r->base, r->edits, (struct str){ name, n });
}

NEAP_API uint32_t neap_response_set_header(neap_response *r, const char *name, size_t n,
					   const char *value, size_t value_n)
{
	return change_header(&r->edits, edits_set, (struct str){ name, n },
			     (struct str){ value, value_n });
}

NEAP_API uint32_t neap_response_add_header(neap_response *r, const char *name, size_t n,
					   const char *value, size_t value_n)
{
	return change_header(&r->edits, edits_add, (struct str){ name, n },
			     (struct str){ value, value_n });
}

/* Printable ASCII only: it goes into a header and the log. */
NEAP_API void neap_request_set_reason(neap_request *r, const char *why, size_t n)
{
	if (n >= sizeof r->reason)
		n = sizeof r->reason - 1;
	for (size_t i = 0; i < n; i++)
		r->reason[i] = why[i] >= ' ' && why[i] <= '~' ? why[i] : '?';
	r->reason[n] = '\0';
}

static void drop_body(neap_reply *reply)
{
	if (reply->is_kept == 0)
		free(reply->body);
	reply->body = NULL;
	reply->body_n = reply->is_kept = 0;
}

NEAP_API void neap_reply_start(neap_request *r, uint32_t status)
{
	free(r->reply.headers);
	drop_body(&r->reply);
	r->reply = (neap_reply){ .status = status };
}

/* The same names are forbidden as in edits: framing and the connection are the proxy's. */
NEAP_API uint32_t neap_reply_check(const char *name, size_t n, const char *value, size_t value_n)
{
	return edits_check((struct str){ name, n }, (struct str){ value, value_n });
}

NEAP_API uint32_t neap_reply_header(neap_request *r, const char *name, size_t n, const char *value,
				    size_t value_n)
{
	neap_reply *reply = &r->reply;
	struct str key = { name, n }, text = str_trim((struct str){ value, value_n });
	enum edits_result result = edits_check(key, text);
	if (result != EDITS_OK)
		return result;
	size_t bytes = reply->headers_n + key.n + text.n + 4;
	if (bytes > NEAP_REPLY_HEADERS_MAX)
		return EDITS_FULL;
	char *headers = realloc(reply->headers, bytes);
	if (headers == NULL)
		return EDITS_MEMORY;
	struct out out;
	out_init(&out, headers + reply->headers_n, bytes - reply->headers_n);
	h1_write_field(&out, key, text);
	reply->headers = headers;
	reply->headers_n += (uint32_t)out.n;
	return 0;
}

NEAP_API uint32_t neap_reply_body(neap_request *r, const char *body, size_t n)
{
	char *copy = malloc(n + 1);
	if (copy == NULL || n > UINT32_MAX - 1) {
		free(copy);
		return EDITS_MEMORY;
	}
	memcpy(copy, body, n);
	drop_body(&r->reply);
	r->reply.body = copy;
	r->reply.body_n = (uint32_t)n;
	return 0;
}

NEAP_API void neap_reply_kept(neap_request *r, const char *body, size_t n)
{
	drop_body(&r->reply);
	r->reply.body = (char *)(uintptr_t)body;
	r->reply.body_n = (uint32_t)n;
	r->reply.is_kept = 1;
}
