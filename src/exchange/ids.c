#include "exchange/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/dice.h"
#include "http/edits.h"

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
static struct str only(const struct request *rq, struct str name)
{
	const char *base = buf_head(rq->block);
	struct str value = STR("");
	unsigned n = 0;

	for (unsigned i = 0; i < rq->head.n; i++) {
		const struct http_field *f = &rq->head.fields[i];
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

/* Ids need not be secret, only different from each other. Zero means that there is none. */
static uint64_t make_id(void)
{
	uint64_t id = dice_bits();
	return id != 0 ? id : 1;
}

static void begin_trace(struct request *rq)
{
	rq->has_trace = true;
	if (is_traceparent(only(rq, TRACE_NAME)))
		return;
	for (unsigned i = 0; i < countof(rq->trace); i++)
		rq->trace[i] = make_id();
}

void ids_begin(struct request *rq)
{
	const struct conf_service *conf = rq->service->conf;

	if (conf->request_id[0] != '\0' && rq->is_trusted) {
		struct str id = only(rq, str_of(conf->request_id));
		if (is_id(id)) {
			rq->view.outer_id = id.p;
			rq->view.outer_id_n = (uint32_t)id.n;
		}
	}
	if (conf->traceparent)
		begin_trace(rq);
}

struct str ids_text(const struct request *rq, char to[IDS_TEXT_MAX])
{
	return hook_request_id(rq->service->hooks, &rq->view, to, IDS_TEXT_MAX);
}

bool ids_has_trace(const struct request *rq)
{
	return rq->has_trace;
}

struct str ids_trace(const struct request *rq, char to[IDS_TRACE_MAX])
{
	if (rq->trace[0] == 0)
		return only(rq, TRACE_NAME);
	int n = snprintf(to, IDS_TRACE_MAX, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01",
			 rq->trace[0], rq->trace[1], rq->trace[2]);
	return (struct str){ to, n > 0 ? (size_t)n : 0 };
}

bool ids_replace(const struct request *rq, struct str name)
{
	const char *id = rq->service->conf->request_id;

	if (id[0] != '\0' && str_eq_nocase(name, str_of(id)))
		return true;
	return rq->has_trace && rq->trace[0] != 0 &&
	       (str_eq_nocase(name, TRACE_NAME) || str_eq_nocase(name, STATE_NAME));
}

/* A script's own change of that name overrides ours. */
static bool is_ours(const struct request *rq, struct str name)
{
	struct str value;
	return rq->view.edits == NULL || edits_find(rq->view.edits, name, &value) == 0;
}

void ids_write(struct out *o, const struct request *rq)
{
	struct str id_name = str_of(rq->service->conf->request_id);
	char text[IDS_TEXT_MAX];

	if (id_name.n > 0 && is_ours(rq, id_name))
		h1_write_field(o, id_name, ids_text(rq, text));
	if (rq->has_trace && rq->trace[0] != 0 && is_ours(rq, TRACE_NAME))
		h1_write_field(o, TRACE_NAME, ids_trace(rq, text));
}

void ids_write_answer(struct out *o, const struct request *rq)
{
	char text[IDS_TEXT_MAX];
	h1_write_field(o, str_of(ids_answer_name(rq)), ids_text(rq, text));
}
