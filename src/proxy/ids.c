#include "proxy/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "script/edits.h"

#define TRACE_NAME STR("traceparent")
#define STATE_NAME STR("tracestate")

static bool is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~:/+=@", c) != NULL);
}

static bool is_id(struct str s)
{
	if (s.n == 0 || s.n > IDS_TEXT_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_id_char(s.p[i]))
			return false;
	}
	return true;
}

/* The value of the one field of that name; n = 0 when there is none, or more than one. */
static struct str only(const struct exchange *ex, struct str name)
{
	const char *base = buf_head(ex->in);
	struct str value = STR("");
	unsigned n = 0;

	for (unsigned i = 0; i < ex->req.n; i++) {
		const struct http_field *f = &ex->req.fields[i];
		if (!str_eq_nocase(http_field_name(base, f), name))
			continue;
		value = http_field_value(base, f);
		n++;
	}
	return n == 1 ? value : STR("");
}

static bool is_hex(const char *p, size_t n, bool *all_zero)
{
	*all_zero = true;
	for (size_t i = 0; i < n; i++) {
		if ((p[i] < '0' || p[i] > '9') && (p[i] < 'a' || p[i] > 'f'))
			return false;
		*all_zero = *all_zero && p[i] == '0';
	}
	return true;
}

/* Trace Context §3.2.2: version 00, and later ones as far as they are known. */
static bool is_traceparent(struct str s)
{
	bool zero;

	if (s.n < 55 || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-')
		return false;
	if (!is_hex(s.p, 2, &zero) || memcmp(s.p, "ff", 2) == 0 || (zero && s.n != 55) ||
	    (s.n > 55 && s.p[55] != '-'))
		return false;
	if (!is_hex(s.p + 3, 32, &zero) || zero)
		return false;
	if (!is_hex(s.p + 36, 16, &zero) || zero)
		return false;
	return is_hex(s.p + 53, 2, &zero);
}

/* splitmix64: ids need not be secret, only different from each other. */
static uint64_t next_random(struct proxy *p)
{
	uint64_t z = p->id_seed += 0x9E3779B97F4A7C15U;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
	z = (z ^ z >> 27) * 0x94D049BB133111EBU;
	z ^= z >> 31;
	return z != 0 ? z : 1;
}

static void begin_trace(struct exchange *ex)
{
	ex->has_trace = true;
	if (is_traceparent(only(ex, TRACE_NAME)))
		return;
	for (unsigned i = 0; i < countof(ex->trace); i++)
		ex->trace[i] = next_random(ex->proxy);
}

void ids_begin(struct exchange *ex)
{
	const struct conf_service *conf = ex->service->conf;

	if (conf->request_id[0] != '\0' && ex->trusted) {
		struct str id = only(ex, str_of(conf->request_id));
		if (is_id(id)) {
			ex->view.outer_id = id.p;
			ex->view.outer_id_n = (uint32_t)id.n;
		}
	}
	if (conf->traceparent)
		begin_trace(ex);
}

struct str ids_text(const struct exchange *ex, char to[IDS_TEXT_MAX])
{
	return hook_request_id(&ex->view, to, IDS_TEXT_MAX);
}

bool ids_has_trace(const struct exchange *ex)
{
	return ex->has_trace;
}

struct str ids_trace(const struct exchange *ex, char to[IDS_TRACE_MAX])
{
	if (ex->trace[0] == 0)
		return only(ex, TRACE_NAME);
	int n = snprintf(to, IDS_TRACE_MAX, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01",
			 ex->trace[0], ex->trace[1], ex->trace[2]);
	return (struct str){ to, n > 0 ? (size_t)n : 0 };
}

bool ids_replace(const struct exchange *ex, struct str name)
{
	const char *id = ex->service->conf->request_id;

	if (id[0] != '\0' && str_eq_nocase(name, str_of(id)))
		return true;
	return ex->has_trace && ex->trace[0] != 0 &&
	       (str_eq_nocase(name, TRACE_NAME) || str_eq_nocase(name, STATE_NAME));
}

/* A script's own change of that name goes before ours. */
static bool is_ours(const struct exchange *ex, struct str name)
{
	struct str value;
	return ex->view.edits == NULL || edits_find(ex->view.edits, name, &value) == 0;
}

void ids_write(struct h1_out *o, const struct exchange *ex)
{
	struct str id_name = str_of(ex->service->conf->request_id);
	char text[IDS_TEXT_MAX];

	if (id_name.n > 0 && is_ours(ex, id_name))
		h1_out_field(o, id_name, ids_text(ex, text));
	if (ex->has_trace && ex->trace[0] != 0 && is_ours(ex, TRACE_NAME))
		h1_out_field(o, TRACE_NAME, ids_trace(ex, text));
}

void ids_write_answer(struct h1_out *o, const struct exchange *ex)
{
	char text[IDS_TEXT_MAX];
	h1_out_field(o, str_of(ex->proxy->conf->explain.header), ids_text(ex, text));
}
