#include "http/h2_watch.h"

#include "base/cc.h"

enum { PREFACE = 24, OUTPUT_MAX = 1000, OUTPUT_PER_STREAM = 4 };

/* Where a walk through bytes is. */
struct walk {
	const uint8_t *p;
	size_t n, at;
	size_t fed;	     /* so many of them nghttp2 has */
	const uint8_t *head; /* of the frame, whole */
	size_t begins;	     /* the frame */
	bool has_reset;	     /* RST_STREAM came among them */
	bool has_dependency; /* the frame is PRIORITY, with what it depends on */
};

void h2_watch_init(struct h2_watch *w)
{
	*w = (struct h2_watch){ .left = PREFACE };
}

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int32_t stream_id(const uint8_t *p)
{
	return (int32_t)(number(p) & INT32_MAX);
}

/* A stream that is no more, or never was. */
static enum h2_code judge(const struct h2_watch *w, nghttp2_session *ng, int32_t id)
{
	if (w->is_over || id % 2 == 0 || id > w->recent.last ||
	    nghttp2_session_find_stream(ng, id) != NULL)
		return H2_NO_ERROR;
	switch (h2_recent_look(&w->recent, id)) {
	case H2_RECENT_SKIPPED:
		return H2_PROTOCOL_ERROR;
	case H2_RECENT_ENDED:
		return H2_STREAM_CLOSED;
	case H2_RECENT_UNKNOWN:
		break;
	}
	return H2_NO_ERROR;
}

enum h2_code h2_watch_headers(struct h2_watch *w, nghttp2_session *ng, int32_t id)
{
	if (w->is_over || id % 2 == 0 || id <= w->recent.last)
		return judge(w, ng, id);
	h2_recent_begin(&w->recent, id);
	return H2_NO_ERROR;
}

/* So much of a frame's begin is looked at. */
static size_t wanted(const struct h2_watch *w)
{
	const uint8_t *b = w->bytes;
	bool is_priority = w->n >= H2_WATCH_HEAD && b[3] == NGHTTP2_PRIORITY && b[0] == 0 &&
			   b[1] == 0 && b[2] >= H2_WATCH_DEPENDENCY;
	return is_priority ? H2_WATCH_HEAD + H2_WATCH_DEPENDENCY : H2_WATCH_HEAD;
}

static uint32_t length_of(const uint8_t *head)
{
	return number(head) >> 8;
}

/* A byte of the begin, kept for when the rest of it comes. true: it is whole. */
static bool keep_byte(struct h2_watch *w, struct walk *k)
{
	if (w->n == 0)
		k->begins = k->at;
	w->bytes[w->n++] = k->p[k->at++];
	if (w->n < wanted(w))
		return false;
	k->head = w->bytes;
	k->has_dependency = w->n > H2_WATCH_HEAD;
	w->left = length_of(k->head) - (uint32_t)(w->n - H2_WATCH_HEAD);
	w->n = 0;
	return true;
}

/* Goes on to where the begin of a frame is whole. false: it is not, yet. */
static bool next_frame(struct h2_watch *w, struct walk *k)
{
	while (k->at < k->n) {
		size_t here = k->n - k->at;
		const uint8_t *p = k->p + k->at;
		if (w->left > 0) {
			size_t n = here < w->left ? here : w->left;
			w->left -= (uint32_t)n;
			k->at += n;
		} else if (likely(w->n == 0 && here >= H2_WATCH_HEAD && p[3] != NGHTTP2_PRIORITY)) {
			k->head = p;
			k->has_dependency = false;
			k->begins = k->at;
			k->at += H2_WATCH_HEAD;
			w->left = length_of(p);
			return true;
		} else if (keep_byte(w, k)) {
			return true;
		}
	}
	return false;
}

static ssize_t feed_to(nghttp2_session *ng, struct walk *k, size_t end)
{
	size_t from = k->fed;
	k->fed = end;
	return end > from ? nghttp2_session_mem_recv(ng, k->p + from, end - from) : 0;
}

/* DATA is judged when nghttp2 has all that came before it; where that changes nothing, later. */
static ssize_t look(struct h2_watch *w, nghttp2_session *ng, struct walk *k, enum h2_code *code)
{
	const uint8_t *b = k->head;
	int32_t id = stream_id(b + 5);
	ssize_t fed = 0;
	switch (b[3]) {
	case NGHTTP2_RST_STREAM:
		k->has_reset = true;
		break;
	case NGHTTP2_PRIORITY: /* RFC 7540 §5.3.1 */
		if (k->has_dependency && stream_id(b + H2_WATCH_HEAD) == id)
			*code = H2_PROTOCOL_ERROR;
		break;
	case NGHTTP2_DATA:
		if (!k->has_reset && nghttp2_session_find_stream(ng, id) != NULL)
			break;
		fed = feed_to(ng, k, k->begins);
		if (fed >= 0)
			*code = judge(w, ng, id);
		break;
	default:
		break;
	}
	return fed;
}

ssize_t h2_watch_receive(struct h2_watch *w, nghttp2_session *ng, const uint8_t *p, size_t n,
			 enum h2_code *code)
{
	struct walk k = { .p = p, .n = n };
	*code = H2_NO_ERROR;
	while (next_frame(w, &k)) {
		ssize_t fed = look(w, ng, &k, code);
		if (fed < 0 || *code != H2_NO_ERROR)
			return fed;
	}
	return feed_to(ng, &k, n);
}

bool h2_watch_is_deaf(nghttp2_session *ng, uint32_t streams)
{
	return nghttp2_session_get_outbound_queue_size(ng) >
	       OUTPUT_MAX + (size_t)OUTPUT_PER_STREAM * streams;
}
