#include "upstream/leg.h"

#include <string.h>

void leg_init(struct leg *leg, const struct leg_memory *memory, struct http_field *fields,
	      void (*on_ready)(struct leg *leg, int events))
{
	leg->ops = NULL;
	leg->on_ready = on_ready;
	leg->uconn = NULL;
	leg->memory = *memory;
	outbox_init(&leg->out, memory->blocks);
	buf_init(&leg->in, memory->blocks);
	buf_init(&leg->trailers, memory->blocks);
	leg->phase = LEG_AWAITS;
	leg->sending = LEG_UNSENT;
	leg->interim_bytes = 0;
	leg->head.fields = fields;
}

void leg_reset(struct leg *leg, const struct http_limits *limits)
{
	leg->sent = 0;
	leg->has_ended = false;
	leg->of_chunk = 0;
	leg->sending = LEG_UNSENT;
	leg->phase = LEG_AWAITS;
	leg->excess = LEG_EXACT;
	leg->interim_bytes = 0;
	leg->own_field = NULL;
	leg->reads_trailers = false;
	leg->most = UINT32_MAX;
	leg->ahead = 0;
	if (unlikely(leg->in.data == NULL))
		leg->in.slab = leg->memory.blocks;
	leg->stands_ms = UINT32_MAX;
	h1_head_init(&leg->head, true, leg->head.fields, limits);
}

bool leg_can_drain(const struct leg *leg)
{
	return leg->ops->drain != NULL && stream_can_drain(&leg->uconn->stream);
}

bool leg_can_fill(const struct leg *leg)
{
	return leg->ops->can_fill(leg);
}

bool leg_is_between(const struct leg *leg)
{
	bool is_coded = leg->form == BODY_CODED && leg->head.framing == FRAMING_CHUNKED;
	return is_coded && (leg->ops->is_framed || h1_body_is_between(&leg->body));
}

void leg_end(struct leg *leg, const struct leg_keep *keep)
{
	leg->ops->end(leg, keep);
	leg->uconn = NULL;
	outbox_drop(&leg->out);
}

static void copy_fields(struct leg *to, const struct leg *from)
{
	memcpy(to->head.fields, from->head.fields, from->head.n * sizeof(*from->head.fields));
}

void leg_move(struct leg *to, struct leg *from)
{
	struct leg kept = *to;
	copy_fields(to, from);
	*to = *from;
	to->head.fields = kept.head.fields;
	to->on_ready = kept.on_ready;
	to->ops->moved(to, from);
	leg_init(from, &from->memory, from->head.fields, from->on_ready);
}
