#include "exchange/call_end.h"

#include "exchange/call.h"

/* In HTTP/1 a client has to say that it takes some, and no chunk may be under way. */
static bool takes_trailers(const struct request *rq, const struct leg *leg, const struct client *c)
{
	if (c->form == CLIENT_FRAMED)
		return leg->head.framing != FRAMING_LENGTH;
	return c->form == CLIENT_CODED && (rq->head.flags & HTTP_TE_TRAILERS) != 0 &&
	       leg_is_between(leg);
}

/* The last chunk, with these lines; false: there is no room. */
static bool put_last_chunk(struct buf *to, struct str lines, struct client_body *out)
{
	if (!buf_append(to, "0\r\n", 3) || !buf_append(to, lines.p, lines.n) ||
	    !buf_append(to, "\r\n", 2))
		return false;
	out->text = buf_head(to);
	out->text_n = (uint32_t)buf_len(to);
	return true;
}

void call_end(struct request *rq, struct leg *leg, const struct client *c, struct client_body *out)
{
	char text[CALL_TRAILERS_BYTES];
	if (!takes_trailers(rq, leg, c))
		return;
	buf_drop(&leg->trailers);
	struct str lines = call_own_trailers(rq, text);
	bool has_room = c->form == CLIENT_FRAMED ? buf_append(&leg->trailers, lines.p, lines.n)
						 : put_last_chunk(&leg->trailers, lines, out);
	if (has_room)
		leg->phase = LEG_WHOLE;
}
