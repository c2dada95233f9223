#include "exchange/call.h"

enum { HASTE_US = 10000 }; /* less than this makes no difference to a deadline */

const struct str call_timeout_name = STR_INIT("grpc-timeout");

static bool is_call(const struct request *rq)
{
	const struct http_field *type = http_find(&rq->head, FIELD_CONTENT_TYPE);
	return unlikely(type != NULL) && grpc_is_type(http_field_value(buf_head(rq->block), type));
}

static void begin_deadline(struct request *rq, const char *base)
{
	const struct http_field *timeout = http_find_name(&rq->head, base, call_timeout_name);
	uint64_t us;
	if (timeout == NULL || !grpc_timeout_of(http_field_value(base, timeout), &us))
		return;
	rq->timeout_us = us > 0 ? us : 1;
	request_bound_total(rq, (int64_t)((rq->timeout_us + 999) / 1000));
}

void call_look(struct request *rq)
{
	rq->is_grpc = is_call(rq);
	if (unlikely(rq->is_grpc))
		begin_deadline(rq, buf_head(rq->block));
}

/* Of HTTP/1 nothing is believed then, and no client of gRPC speaks it. */
void call_begin_refused(struct request *rq)
{
	rq->is_grpc = rq->head.minor == HTTP_2 && is_call(rq);
}

static uint64_t gone_us(const struct request *rq)
{
	return (uint64_t)(rq->plane->loop->now_us - rq->started_us);
}

bool call_is_late(const struct request *rq)
{
	return rq->timeout_us != 0 && gone_us(rq) >= HASTE_US;
}

struct str call_time_left(const struct request *rq, char to[GRPC_TIMEOUT_BYTES])
{
	uint64_t gone = gone_us(rq);
	uint64_t left = rq->timeout_us > gone ? rq->timeout_us - gone : 1;
	return (struct str){ to, grpc_write_timeout(to, left) };
}

void call_on_head(struct request *rq, const struct http_head *head, const char *base)
{
	const struct http_field *status = http_find_name(head, base, STR("grpc-status"));
	rq->grpc_status = GRPC_NONE;
	if (status != NULL)
		rq->grpc_status = (int8_t)grpc_status_of(http_field_value(base, status));
}

struct str call_line(struct str lines, struct str name)
{
	struct str line;
	while (str_split(&lines, '\n', &line)) {
		if (line.n >= name.n + 2 && line.p[name.n] == ':' &&
		    str_eq_nocase((struct str){ line.p, name.n }, name))
			return str_trim((struct str){ line.p + name.n + 1,
						      line.n - name.n - 2 /* ":" and CR */ });
	}
	return (struct str){ NULL, 0 };
}

bool call_on_trailers(struct request *rq, struct str trailers)
{
	if (rq->grpc_status != GRPC_NONE)
		return false;
	struct str status = call_line(trailers, STR("grpc-status"));
	if (status.p != NULL)
		rq->grpc_status = (int8_t)grpc_status_of(status);
	return status.p != NULL;
}

struct str call_own_trailers(struct request *rq, char to[CALL_TRAILERS_BYTES])
{
	struct out o;
	rq->grpc_status = (int8_t)(rq->own.status != 0 ? call_own_status(rq) : GRPC_UNAVAILABLE);
	out_init(&o, to, CALL_TRAILERS_BYTES);
	out_str(&o, STR("grpc-status: "));
	out_u64(&o, (uint64_t)rq->grpc_status);
	out_str(&o, STR("\r\ngrpc-message: "));
	grpc_write_message(&o,
			   str_of(rq->service->conf->hides_reasons ? "it broke off" : rq->reason));
	out_str(&o, STR("\r\n"));
	return (struct str){ o.p, o.n };
}

int call_own_status(const struct request *rq)
{
	return rq->own.is_full ? GRPC_RESOURCE_EXHAUSTED : grpc_of_http(rq->own.status);
}
