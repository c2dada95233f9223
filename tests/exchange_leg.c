#include "exchange_leg.h"

#include "http/h1_framing.h"
#include "net_support.h"
#include "upstream/pool.h"

static struct memory_leg *next_leg;
static unsigned legs_left;

static struct memory_leg *of_leg(const struct leg *leg)
{
	return leg->own;
}

/* ---- the request ---- */

static size_t take(struct memory_leg *m, const char *p, size_t n)
{
	size_t kept = sizeof(m->got);
	if (n > m->room)
		n = m->room;
	if (m->got_n < kept)
		memcpy(m->got + m->got_n, p, n < kept - m->got_n ? n : kept - m->got_n);
	m->got_n += n;
	m->room -= n;
	return n;
}

static ssize_t memory_send(struct leg *leg, struct str head, const struct leg_body *body,
			   size_t *took)
{
	struct memory_leg *m = of_leg(leg);
	size_t before = m->got_n;
	leg->sending = LEG_SENDING;
	*took = 0;
	if (head.n > 0 && !buf_append(&leg->out.rest, head.p, head.n))
		return IO_ERROR;
	if (outbox_len(&leg->out) > 0)
		buf_consume(&leg->out.rest,
			    take(m, buf_head(&leg->out.rest), outbox_len(&leg->out)));
	for (int i = 0; i < body->n && outbox_len(&leg->out) == 0; i++)
		*took += take(m, body->pieces[i].iov_base, body->pieces[i].iov_len);
	leg->sent += m->got_n - before;
	return m->got_n > before ? (ssize_t)(m->got_n - before) : IO_AGAIN;
}

/* Only the backend knows: it may have got a request, and say that it did nothing with it. */
static bool memory_is_untouched(const struct leg *leg)
{
	return leg->sent == 0 || of_leg(leg)->has_refused;
}

/* ---- the answer ---- */

static enum leg_news head_news(struct leg *leg, uint8_t method_id)
{
	bool is_good = h1_head_parse(&leg->head, buf_head(&leg->in), buf_len(&leg->in)) ==
			       H1_DONE &&
		       h1_response_framing(&leg->head, method_id);
	if (!is_good)
		return LEG_BAD;
	bool is_interim = leg->head.status < 200 && leg->head.status != 101;
	return is_interim ? LEG_INTERIM : LEG_HEAD;
}

static bool fits(struct leg *leg, const struct frame *f)
{
	size_t n = f->text == NULL ? 0 : strlen(f->text) * (f->n > 0 ? f->n : 1);
	if (!buf_hold(&leg->in))
		return false;
	if (n > buf_room(&leg->in))
		buf_compact(&leg->in);
	return n <= buf_room(&leg->in);
}

static void add(struct leg *leg, const struct frame *f)
{
	for (size_t i = 0; i < f->n || i == 0; i++)
		(void)buf_append(&leg->in, f->text, f->text != NULL ? strlen(f->text) : 0);
}

static enum leg_news close_news(struct leg *leg, const struct frame *f)
{
	of_leg(leg)->has_refused = f->kind == FRAME_REFUSE;
	return LEG_CLOSED;
}

/* Body bytes may be here before the head has passed: then it is told once more. */
static enum leg_news body_news(struct leg *leg, const struct frame *f, uint8_t method_id)
{
	if (leg->phase == LEG_AWAITS)
		return head_news(leg, method_id);
	if (f->kind == FRAME_LAST)
		leg->phase = LEG_WHOLE;
	return LEG_BODY;
}

static bool is_last_read(const struct memory_leg *m)
{
	return m->at > 0 && m->frames[m->at - 1].kind == FRAME_LAST;
}

static enum leg_news memory_read(struct leg *leg, uint8_t method_id)
{
	struct memory_leg *m = of_leg(leg);
	const struct frame *f = &m->frames[m->at];
	if (m->at == MEMORY_FRAMES_MAX || f->kind == FRAME_NONE)
		return LEG_NOTHING;
	if (!fits(leg, f)) {
		m->wants = false;
		return LEG_FULL;
	}
	m->at++;
	if (f->kind >= FRAME_CLOSE)
		return close_news(leg, f);
	add(leg, f);
	return f->kind == FRAME_HEAD ? head_news(leg, method_id) : body_news(leg, f, method_id);
}

static enum leg_news memory_next(struct leg *leg, uint8_t method_id)
{
	leg->interim_bytes += leg->head.bytes;
	buf_consume(&leg->in, leg->head.bytes);
	h1_head_init(&leg->head, true, leg->head.fields, leg->head.limits);
	return memory_read(leg, method_id);
}

/* Its own framing says where the body ends, whatever the head says. */
static enum leg_news memory_pass(struct leg *leg, enum body_form form)
{
	buf_consume(&leg->in, leg->head.bytes);
	h1_body_init(&leg->body, &leg->head);
	leg->form = (uint8_t)form;
	leg->phase = is_last_read(of_leg(leg)) ? LEG_WHOLE : LEG_PASSES;
	return LEG_BODY;
}

static bool memory_can_fill(const struct leg *leg)
{
	(void)leg;
	return false;
}

/* ---- the rest ---- */

static void memory_want(struct leg *leg, bool more)
{
	of_leg(leg)->wants = more;
}

static void memory_pause(struct leg *leg)
{
	of_leg(leg)->wants = false;
}

static void memory_resume(struct leg *leg)
{
	(void)leg; /* the test tells when more is taken */
}

static struct stream_failure memory_failure(const struct leg *leg)
{
	return stream_failure(&leg->uconn->stream);
}

static void memory_end(struct leg *leg, const struct leg_keep *keep)
{
	if (keep != NULL && leg->phase == LEG_WHOLE)
		pool_put(leg->uconn, &keep->pool, leg->stands_ms);
	else
		uconn_close(leg->uconn);
}

static struct stream *memory_steal(struct leg *leg)
{
	return &leg->uconn->stream;
}

static const struct leg_ops memory_ops = {
	.send = memory_send,
	.read = memory_read,
	.next = memory_next,
	.pass = memory_pass,
	.can_fill = memory_can_fill,
	.want = memory_want,
	.pause = memory_pause,
	.resume = memory_resume,
	.is_untouched = memory_is_untouched,
	.failure = memory_failure,
	.end = memory_end,
	.steal = memory_steal,
};

static void on_stream_ready(struct stream *s, int events)
{
	(void)s, (void)events;
	check(false, "nothing happens on the connection itself");
}

void h1_leg_open(struct leg *leg, struct uconn *u)
{
	if (!check(legs_left > 0, "the test expects this attempt")) {
		static struct memory_leg spare;
		spare = (struct memory_leg){ .room = 0 };
		memory_legs(&spare, 1);
	}
	struct memory_leg *m = next_leg++;
	legs_left--;
	m->leg = leg;
	m->uconn = u;
	m->wants = true;
	m->is_open = 1;
	leg->ops = &memory_ops;
	leg->uconn = u;
	leg->own = m;
	u->owner = m;
	u->requests++;
	u->stream.on_ready = on_stream_ready;
}

/* ---- what the backend does ---- */

void memory_legs(struct memory_leg *legs, unsigned n)
{
	next_leg = legs;
	legs_left = n;
}

void memory_leg_await(struct stage *s, const struct memory_leg *m)
{
	(void)run_until(&s->loop, &m->is_open);
}

static bool is_used(const struct memory_leg *m)
{
	return m->leg != NULL && m->leg->uconn == m->uconn && m->uconn->owner == m;
}

bool memory_leg_tell(struct memory_leg *m)
{
	if (!is_used(m) || !m->wants || m->at == MEMORY_FRAMES_MAX ||
	    m->frames[m->at].kind == FRAME_NONE)
		return false;
	m->leg->on_ready(m->leg, STREAM_READABLE);
	return true;
}

void memory_leg_tell_all(struct memory_leg *m)
{
	while (memory_leg_tell(m))
		continue;
}

void memory_leg_take(struct memory_leg *m, size_t n)
{
	m->room += n;
	if (is_used(m))
		m->leg->on_ready(m->leg, STREAM_WRITABLE);
}

bool memory_leg_begins(const struct memory_leg *m, const char *text)
{
	size_t n = strlen(text);
	return m->got_n >= n && n <= sizeof(m->got) && memcmp(m->got, text, n) == 0;
}
