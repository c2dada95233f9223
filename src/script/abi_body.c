/* The bodies of a request and of its answer, as hooks ask for them. */
#include "script/abi_body.h"

#include <string.h>

#include "http/h1_chunk.h"
#include "script/body_door.h"
#include "script/policies.h"

enum { CODING_BYTES_MAX = 1 << 20 }; /* of trailers, which were checked when they came */

static struct co_pool *pool(void)
{
	return &policies_current()->cos;
}

static bool is_trial(void)
{
	return pool()->io.mode == IO_TRIAL;
}

/* So that slow bodies alone never keep other requests from their hooks. */
static bool is_crowded(void)
{
	return pool()->io.bodies >= pool()->max / 2;
}

static const struct body_door *door_of(const neap_request *r, uint32_t of)
{
	const neap_response *response = pool()->current.response;
	if (of == NEAP_BODY_OF_REQUEST)
		return r->body_door;
	return response != NULL ? response->body_door : NULL;
}

/* A shadow has a copy of the request's head. */
NEAP_API uint32_t neap_body_is_known(const neap_request *r, uint32_t of)
{
	return door_of(r, of) != NULL || is_trial();
}

NEAP_API uint32_t neap_body_ask(neap_request *r, uint32_t of, uint32_t max)
{
	const struct body_door *door = door_of(r, of);
	if (door == NULL)
		return NEAP_BODY_WHOLE;
	enum neap_body_state state = door->look(r, max);
	if (state != NEAP_BODY_WAITS)
		return state;
	if (is_crowded())
		return NEAP_BODY_BUSY;
	wait_body(&pool()->running->wait);
	door->gather(r, max);
	return NEAP_BODY_WAITS;
}

NEAP_API uint32_t neap_body_most(const neap_request *r, uint32_t of)
{
	const struct body_door *door = door_of(r, of);
	return door == NULL ? NEAP_BODY_SET_MAX : door->most(r);
}

/* Puts the payload of a piece to *to, or only counts it (to NULL). */
static size_t decode(struct h1_chunk *c, const struct iovec *piece, char *to)
{
	const char *p = piece->iov_base;
	size_t left = piece->iov_len, sum = 0;
	while (left > 0) {
		const char *data = NULL;
		size_t used = 0, n = 0;
		enum h1_chunk_event event = h1_chunk_next(c, p, left, &used, &data, &n);
		if (event == CHUNK_DATA) {
			if (to != NULL)
				memcpy(to + sum, data, n);
			sum += n;
		} else if (event != CHUNK_DROP) {
			break;
		}
		p += used;
		left -= used;
	}
	return sum;
}

static size_t copy(const struct iovec *piece, char *to)
{
	if (to != NULL)
		memcpy(to, piece->iov_base, piece->iov_len);
	return piece->iov_len;
}

static uint32_t collect(const neap_request *r, uint32_t of, char *to)
{
	const struct body_door *door = door_of(r, of);
	struct iovec pieces[2];
	struct h1_chunk chunks;
	bool is_coded = false;
	size_t sum = 0;
	int n = door == NULL ? 0 : door->pieces(r, pieces, &is_coded);
	h1_chunk_init(&chunks, CODING_BYTES_MAX);
	chunks.is_answer = of == NEAP_BODY_OF_ANSWER;
	for (int i = 0; i < n; i++) {
		char *at = to != NULL ? to + sum : NULL;
		sum += is_coded ? decode(&chunks, &pieces[i], at) : copy(&pieces[i], at);
	}
	return (uint32_t)sum;
}

NEAP_API uint32_t neap_body_bytes(const neap_request *r, uint32_t of)
{
	return collect(r, of, NULL);
}

NEAP_API uint32_t neap_body_text(const neap_request *r, uint32_t of)
{
	const struct body_door *door = door_of(r, of);
	struct iovec pieces[2] = { { "", 0 } };
	bool is_coded = false;
	int n = door == NULL ? 0 : door->pieces(r, pieces, &is_coded);
	if (n > 1 || is_coded)
		return 0;
	io_give(&pool()->io, pieces[0].iov_base, pieces[0].iov_len);
	return 1;
}

NEAP_API void neap_body_copy(const neap_request *r, uint32_t of, char *to)
{
	(void)collect(r, of, to);
}

NEAP_API uint32_t neap_body_set(neap_request *r, uint32_t of, const char *bytes, size_t n)
{
	const struct body_door *door = door_of(r, of);
	return door == NULL ? NEAP_BODY_SET : door->set(r, bytes, (uint32_t)n);
}
