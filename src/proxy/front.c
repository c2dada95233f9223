#include "proxy/front.h"

#include "exchange/flows.h"
#include "exchange/mirror.h"
#include "net/proxy_header.h"
#include "net/sock.h"
#include "net/stream_open.h"
#include "net/tls_stream.h"
#include "shm/board.h"
#include "shm/board_service.h"
#include "shm/stats.h"

void fronts_look(struct fronts *all)
{
	const struct plane *p = &all->plane;
	bool has_flows = p->flows != NULL && p->flows->n > 0;
	if (plane_drains(p) && all->n == 0 && !has_flows && mirrors_under_way(p) == 0 &&
	    all->on_drained != NULL)
		all->on_drained(all->drained_ctx);
}

static void count_connections(struct fronts *all, int by)
{
	const struct plane *p = &all->plane;
	all->n += (uint32_t)by;
	atomic_store_explicit(&p->board->workers[p->worker].connections, all->n,
			      memory_order_relaxed);
}

void front_init(struct front *f, struct service *s, const struct peer *peer,
		const struct front_start *start)
{
	f->ops = start->ops;
	f->service = s;
	f->peer = *peer;
	f->outer_tls = 0;
	timer_init(&f->timer, start->on_due);
	timer_start(&f->timer, s->client_header);
	list_append(&front_all(f)->open, &f->node);
	count_connections(front_all(f), 1);
	stat_add(&s->counts->connections, 1);
}

/* Of an opening: f may be gone on return. */
static void settle(struct front *f, enum stream_opened opened, const struct front_start *start)
{
	if (opened == STREAM_OPENING) {
		tls_stream_set_client(&f->stream, &f->peer);
		timer_start(&f->timer, f->service->handshake);
	} else {
		start->stream.on_open(&f->stream, opened == STREAM_OPEN);
	}
}

void front_open(struct front *f, int fd, const struct conf_listen *listen,
		const struct front_start *start)
{
	struct tls_context *tls = front_begins_with_tls(listen) ? f->service->tls : NULL;
	settle(f, stream_accept(&f->stream, front_plane(f)->loop, fd, tls, &start->stream), start);
}

void front_secure(struct front *f, struct str first, const struct front_start *start)
{
	settle(f, stream_secure(&f->stream, f->service->tls, first, &start->stream), start);
}

void front_move(struct front *to, struct front *from, const struct front_start *start)
{
	to->ops = start->ops;
	to->service = from->service;
	to->peer = from->peer;
	to->outer_tls = from->outer_tls;
	timer_stop(&from->timer);
	timer_init(&to->timer, start->on_due);
	stream_move(&to->stream, &from->stream);
	to->stream.on_ready = start->stream.on_ready;
	tls_stream_set_client(&to->stream, &to->peer);
	list_append(&front_all(to)->open, &to->node);
	list_remove(&from->node);
}

void front_free(struct front *f, struct slab *slab)
{
	struct fronts *all = front_all(f);
	timer_stop(&f->timer);
	stream_close(&f->stream);
	outer_tls_drop(&all->outer_tls, f->outer_tls);
	list_remove(&f->node);
	slab_put(slab, f);
	count_connections(all, -1);
	fronts_look(all);
}

bool front_keep_outer_tls(struct front *f, struct client_tls *tls)
{
	struct outer_tls *all = &front_all(f)->outer_tls;
	outer_tls_drop(all, f->outer_tls);
	f->outer_tls = tls != NULL ? outer_tls_keep(all, tls) : 0;
	return f->outer_tls != 0;
}

bool front_is_secure(const struct front *f)
{
	const struct client_tls *outer = front_outer_tls(f);
	return stream_is_secure(&f->stream) || (outer != NULL && outer->is_ended);
}

enum front_preface front_take_preface(struct front *f, struct buf *in, const char **reason)
{
	struct proxy_header header;
	switch (proxy_header_parse(&header, buf_head(in), buf_len(in))) {
	case PROXY_HEADER_MORE:
		return PREFACE_MORE;
	case PROXY_HEADER_BAD:
		*reason = header.reason;
		return PREFACE_BAD;
	case PROXY_HEADER_DONE:
		break;
	}
	if (unlikely(proxy_tlv_is_known(&header.tlv.tls))) {
		if (!front_keep_outer_tls(f, client_tls_copy(&header.tlv.tls))) {
			*reason = "no memory for what the PROXY header says";
			return PREFACE_BAD;
		}
	}
	if (header.has_source)
		f->peer = header.source;
	buf_consume(in, header.bytes);
	return PREFACE_TAKEN;
}
