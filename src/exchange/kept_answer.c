#include "exchange/kept_answer.h"

#include <stdlib.h>

#include "exchange/parts.h"
#include "http/h1_chunk.h"
#include "script/body_door.h"

enum { ROOM_MIN = 2 * H1_CHUNK_HELD_MAX }; /* for what may come at once of a coding */

static struct relay *of_view(const struct neap_request *view)
{
	void *r = (struct neap_request *)(uintptr_t)view;
	return &container_of(r, struct exchange, rq.view)->relay;
}

static struct leg *leg_of(const struct relay *r)
{
	return &r->at->leg;
}

/* ---- memory ---- */

/* Its head moves here, and what follows in leg.in is the body. false: no memory. */
static bool keep(struct relay *r)
{
	struct leg *leg = leg_of(r);
	struct relay_kept *kept = malloc(sizeof(*kept) + leg->head.bytes);
	if (kept == NULL)
		return false;
	*kept = (struct relay_kept){ 0 };
	memcpy(kept->head, buf_head(&leg->in), leg->head.bytes);
	r->kept = kept;
	r->view.base = kept->head;
	r->answer = ANSWER_KEPT;
	kept->is_bad = !relay_open_body(r);
	return true;
}

/* The block that is large enough for what hooks may ask for. */
static bool hold_block(struct relay *r)
{
	struct buf *in = &leg_of(r)->in;
	struct slab *slab = &r->rq->plane->gathered;
	return (in->slab == slab || buf_change(in, slab)) && buf_hold(in);
}

/* Trailers that are apart may have to be added to the coding. */
static bool has_room(const struct leg *leg)
{
	size_t room = leg->in.slab->object_bytes - buf_len(&leg->in);
	return room > ROOM_MIN + buf_len(&leg->trailers);
}

/* ---- how it stands ---- */

static bool is_too_long(const struct leg *leg, uint32_t max)
{
	const struct http_head *head = &leg->head;
	return (head->framing == FRAMING_LENGTH ? head->length : leg->body.payload) > max;
}

static enum neap_body_state look_at_kept(struct relay *r, uint32_t max)
{
	const struct relay_kept *kept = r->kept;
	const struct leg *leg = leg_of(r);
	if (kept->is_bad)
		return NEAP_BODY_BROKEN;
	if (is_too_long(leg, max))
		return NEAP_BODY_LONG;
	if (leg->phase == LEG_WHOLE)
		return NEAP_BODY_WHOLE;
	return hold_block(r) && has_room(leg) ? NEAP_BODY_WAITS : NEAP_BODY_LONG;
}

static enum neap_body_state door_look(struct neap_request *view, uint32_t max)
{
	struct relay *r = of_view(view);
	const struct leg *leg = leg_of(r);
	if (r->kept != NULL && r->kept->own != NULL)
		return r->kept->own_n <= max ? NEAP_BODY_WHOLE : NEAP_BODY_LONG;
	if (leg->head.framing == FRAMING_NONE)
		return NEAP_BODY_WHOLE;
	if (r->kept == NULL && is_too_long(leg, max))
		return NEAP_BODY_LONG;
	return r->kept != NULL || keep(r) ? look_at_kept(r, max) : NEAP_BODY_BUSY;
}

/* ---- waiting ---- */

static void start_timer(struct relay *r)
{
	timer_start(&r->rq->timer, r->rq->lanes->stream_idle);
}

static void door_gather(struct neap_request *view, uint32_t max)
{
	struct relay *r = of_view(view);
	struct leg *leg = leg_of(r);
	r->kept->asked = max;
	leg->ahead = max;
	leg_bound(leg, SIZE_MAX); /* the client takes none of it yet */
	leg_want(leg, true);
	start_timer(r);
}

static enum relay_outcome failed(struct relay *r, enum neap_kind kind, const char *message)
{
	hook_cancel(&r->rq->view);
	attempt_fail(r->at, NEAP_STAGE_BODY, kind, message);
	return RELAY_FAILED;
}

static enum relay_outcome out_of_buffers(struct relay *r)
{
	hook_cancel(&r->rq->view);
	request_own(r->rq, 503, "out of buffers");
	return RELAY_REFUSED;
}

enum relay_outcome kept_answer_read(struct relay *r)
{
	if (!hold_block(r))
		return out_of_buffers(r);
	switch (leg_read(leg_of(r), r->rq->head.method_id)) {
	case LEG_BAD:
		return failed(r, NEAP_KIND_PROTOCOL, "sent a malformed body");
	case LEG_CLOSED:
	case LEG_BROKEN:
		return failed(r, NEAP_KIND_RESET, "broke off its answer");
	case LEG_NO_MEMORY:
		return out_of_buffers(r);
	default:
		break;
	}
	if (look_at_kept(r, r->kept->asked) == NEAP_BODY_WAITS) {
		start_timer(r);
		return RELAY_WAITS;
	}
	timer_stop(&r->rq->timer);
	return RELAY_GATHERED;
}

enum attempt_outcome kept_answer_overdue(struct relay *r)
{
	hook_cancel(&r->rq->view);
	return attempt_overdue(r->at, NEAP_STAGE_BODY, "stalled in its answer");
}

/* ---- for hooks ---- */

static uint32_t door_most(const struct neap_request *view)
{
	return of_view(view)->rq->service->conf->limits.hook_body_bytes;
}

static int door_pieces(const struct neap_request *view, struct iovec iov[2], bool *is_coded)
{
	const struct relay *r = of_view(view);
	const struct leg *leg = leg_of(r);
	if (r->kept == NULL)
		return 0;
	if (r->kept->own != NULL) {
		iov[0] = (struct iovec){ r->kept->own, r->kept->own_n };
		return 1;
	}
	*is_coded = leg->form == BODY_CODED && leg->head.framing == FRAMING_CHUNKED;
	iov[0] = (struct iovec){ buf_head(&leg->in), buf_len(&leg->in) };
	return iov[0].iov_len > 0 ? 1 : 0;
}

static enum neap_body_set door_set(struct neap_request *view, const char *bytes, uint32_t n)
{
	struct relay *r = of_view(view);
	char *own = r->kept != NULL || keep(r) ? malloc(n > 0 ? n : 1) : NULL;
	if (own == NULL)
		return NEAP_BODY_NO_MEMORY;
	memcpy(own, bytes, n);
	free(r->kept->own);
	r->kept->own = own;
	r->kept->own_n = n;
	return NEAP_BODY_SET;
}

static const struct body_door door = {
	.look = door_look,
	.gather = door_gather,
	.most = door_most,
	.pieces = door_pieces,
	.set = door_set,
};

void kept_answer_open(struct relay *r)
{
	r->view.body_door = &door;
}
