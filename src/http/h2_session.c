#include "http/h2_session.h"

#include <stdlib.h>

enum {
	FRAME_HEAD = 9,
	/* Of one block, decoded: far beyond what limits allow, so nobody sends it by mistake. */
	BLOCK_FIELDS_MAX = 4096,
	BLOCK_BYTES_MAX = 1024 * 1024,
	SETTINGS_MAX = 6,
	ROOM_MIN = 1024, /* less is not worth a frame */
	/* NGHTTP2_ERR_…, of 1.61 and of older ones that distributions mended */
	TOO_MANY_CONTINUATIONS = -905,
};

static struct h2_session *of(void *user_data)
{
	return user_data;
}

/* In the place of a stream whose owner's part is over: it counts until nghttp2 is done with it. */
static const char forgotten;

static void *stream_of(const struct h2_session *s, int32_t id)
{
	void *stream = nghttp2_session_get_stream_user_data(s->ng, id);
	return stream != &forgotten ? stream : NULL;
}

/* ---- what is told while bytes are read ---- */

/* The callback's answer that ends reading at once. */
static int count(struct h2_session *s, enum h2_abuse_kind kind)
{
	return h2_abuse_count(&s->abuse, kind) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* A connection error, and the callback's answer that ends reading at once. */
static int fault(struct h2_session *s, enum h2_code code)
{
	s->fault = (uint8_t)code;
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Streams of a server's client: h2_watch.h. */
static int look_at_headers(struct h2_session *s, int32_t id)
{
	enum h2_code code = s->is_server ? h2_watch_headers(&s->watch, s->ng, id) : H2_NO_ERROR;
	return code != H2_NO_ERROR ? fault(s, code) : 0;
}

static bool ends_stream(const nghttp2_frame_hd *hd)
{
	return (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *user_data)
{
	struct h2_session *s = of(user_data);
	switch (hd->type) {
	case NGHTTP2_DATA:
		return hd->length == 0 && !ends_stream(hd) ? count(s, H2_ABUSE_EMPTY) : 0;
	case NGHTTP2_HEADERS:
		return look_at_headers(s, hd->stream_id);
	case NGHTTP2_CONTINUATION:
		return hd->length == 0 ? count(s, H2_ABUSE_EMPTY) : 0;
	case NGHTTP2_PUSH_PROMISE: /* we never allow it (RFC 9113 §8.4) */
		return fault(s, H2_PROTOCOL_ERROR);
	case NGHTTP2_PRIORITY:
		return hd->stream_id == 0 ? fault(s, H2_PROTOCOL_ERROR)
					  : count(s, H2_ABUSE_PRIORITY);
	case NGHTTP2_PRIORITY_UPDATE:
		return count(s, H2_ABUSE_PRIORITY);
	case NGHTTP2_PING:
		return (hd->flags & NGHTTP2_FLAG_ACK) == 0 ? count(s, H2_ABUSE_PINGS) : 0;
	case NGHTTP2_SETTINGS:
		s->queued = nghttp2_session_get_outbound_queue_size(ng);
		return count(s, H2_ABUSE_SETTINGS);
	case NGHTTP2_WINDOW_UPDATE:
		return count(s, H2_ABUSE_WINDOWS);
	default:
		return 0;
	}
}

/* §5.1.2: above the limit the stream is at fault, not the connection. */
static int refuse_stream(struct h2_session *s, int32_t id)
{
	h2_session_reset(s, id, H2_REFUSED_STREAM);
	return count(s, H2_ABUSE_MADE_RESETS);
}

static int begin_stream(struct h2_session *s, const nghttp2_frame *frame)
{
	int32_t id = frame->hd.stream_id;
	s->stream = NULL;
	if ((frame->hd.flags & NGHTTP2_FLAG_PRIORITY) != 0 &&
	    frame->headers.pri_spec.stream_id == id) { /* RFC 7540 §5.3.1 */
		h2_session_reset(s, id, H2_PROTOCOL_ERROR);
		return 0;
	}
	s->stream = s->streams < s->streams_max ? s->events->on_stream(s, id) : NULL;
	if (s->stream == NULL)
		return refuse_stream(s, id);
	s->streams++;
	(void)nghttp2_session_set_stream_user_data(s->ng, id, s->stream);
	return 0;
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
	struct h2_session *s = of(user_data);
	(void)ng;
	s->block_fields = s->block_bytes = 0;
	s->is_in_block = true;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		s->stream = stream_of(s, frame->hd.stream_id);
	else if (begin_stream(s, frame) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (s->stream != NULL)
		s->events->on_block(s, s->stream);
	return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
		     void *user_data)
{
	struct h2_session *s = of(user_data);
	(void)ng, (void)frame, (void)flags;
	s->block_bytes += (uint32_t)(name_n + value_n);
	if (++s->block_fields > BLOCK_FIELDS_MAX || s->block_bytes > BLOCK_BYTES_MAX)
		return count(s, H2_ABUSE_FIELDS);
	if (s->stream != NULL)
		s->events->on_field(s, s->stream, (struct str){ (const char *)name, name_n },
				    (struct str){ (const char *)value, value_n });
	return 0;
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *user_data)
{
	struct h2_session *s = of(user_data);
	void *stream = stream_of(s, id);
	(void)flags;
	(void)nghttp2_session_consume_connection(ng, n);
	if (stream != NULL)
		s->events->on_data(s, stream, (const char *)p, n);
	return 0;
}

static void block_ends(struct h2_session *s, const nghttp2_frame *frame)
{
	void *stream = s->stream;
	s->stream = NULL;
	s->is_in_block = false;
	if (stream != NULL)
		s->events->on_block_end(s, stream, ends_stream(&frame->hd));
}

static int data_ends(struct h2_session *s, const nghttp2_frame *frame)
{
	void *stream = stream_of(s, frame->hd.stream_id);
	if (ends_stream(&frame->hd) && stream != NULL)
		s->events->on_end(s, stream);
	bool is_padding = frame->hd.length > 0 && frame->data.padlen >= frame->hd.length;
	return is_padding && !ends_stream(&frame->hd) ? count(s, H2_ABUSE_EMPTY) : 0;
}

/*
 * nghttp2 has queued its acknowledgement; anything beside it are resets of streams whose windows the
 * new first window made too large, which is an error of the connection (RFC 9113 §6.9.2).
 */
static int settings_came(struct h2_session *s, const nghttp2_frame *frame)
{
	if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
		return 0;
	if (nghttp2_session_get_outbound_queue_size(s->ng) > s->queued + 1)
		return fault(s, H2_FLOW_CONTROL_ERROR);
	s->events->on_settings(s);
	return 0;
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
	struct h2_session *s = of(user_data);
	(void)ng;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		block_ends(s, frame);
		break;
	case NGHTTP2_DATA:
		return data_ends(s, frame);
	case NGHTTP2_RST_STREAM: /* of a backend's they are no more than our requests */
		return s->is_server ? count(s, H2_ABUSE_RESETS) : 0;
	case NGHTTP2_SETTINGS:
		return settings_came(s, frame);
	case NGHTTP2_PING:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
			s->events->on_pong(s);
		break;
	case NGHTTP2_GOAWAY:
		s->events->on_goaway(s, frame->goaway.last_stream_id, frame->goaway.error_code);
		break;
	default:
		break;
	}
	return 0;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user_data)
{
	struct h2_session *s = of(user_data);
	void *stream = nghttp2_session_get_stream_user_data(ng, id);
	s->streams -= s->is_server && stream != NULL;
	if (stream == NULL || stream == &forgotten)
		return 0;
	if (s->stream == stream)
		s->stream = NULL;
	(void)nghttp2_session_set_stream_user_data(ng, id, NULL);
	s->events->on_close(s, stream, code);
	return 0;
}

/* ---- what is asked while bytes are gathered ---- */

static ssize_t read_length(nghttp2_session *ng, uint8_t type, int32_t id, int32_t connection_window,
			   int32_t stream_window, uint32_t frame_max, void *user_data)
{
	const struct h2_session *s = of(user_data);
	size_t left = s->room - s->n, least = FRAME_HEAD + ROOM_MIN;
	/* Without room here it is sent by the next gathering, which may have no more than this. */
	ssize_t most = (ssize_t)((left >= least ? left : H2_GATHER_MIN) - FRAME_HEAD);
	ssize_t n = connection_window < stream_window ? connection_window : stream_window;
	(void)ng, (void)type, (void)id;
	if (n > (ssize_t)frame_max)
		n = (ssize_t)frame_max;
	return n < most ? n : most;
}

static ssize_t read_data(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t max, uint32_t *flags,
			 nghttp2_data_source *source, void *user_data)
{
	struct h2_session *s = of(user_data);
	void *stream = stream_of(s, id);
	enum h2_more more = H2_MORE;
	(void)ng, (void)buf, (void)source;
	if (stream == NULL)
		return NGHTTP2_ERR_DEFERRED;
	size_t n = s->events->on_ask(s, stream, max, &more);
	if (n == 0 && more == H2_MORE)
		return NGHTTP2_ERR_DEFERRED;
	*flags = NGHTTP2_DATA_FLAG_NO_COPY;
	if (more != H2_MORE)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (more == H2_THEN_TRAILERS)
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return (ssize_t)n;
}

static int send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t n,
		     nghttp2_data_source *source, void *user_data)
{
	struct h2_session *s = of(user_data);
	(void)ng;
	(void)source;
	void *stream = stream_of(s, frame->hd.stream_id);
	if (s->room - s->n < FRAME_HEAD + n)
		return NGHTTP2_ERR_WOULDBLOCK;
	if (stream == NULL && n > 0) /* what was asked for is gone */
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	h2_abuse_earn(&s->abuse);
	memcpy(s->to + s->n, head, FRAME_HEAD);
	s->n += FRAME_HEAD;
	if (n > 0)
		s->events->on_take(s, stream, s->to + s->n, n);
	s->n += n;
	return 0;
}

/* Streams that the peer makes us reset cost it one frame each. */
static void reset_went(struct h2_session *s, const nghttp2_frame *frame)
{
	h2_recent_reset(&s->watch.recent, frame->hd.stream_id);
	if (frame->rst_stream.error_code == NGHTTP2_PROTOCOL_ERROR ||
	    frame->rst_stream.error_code == NGHTTP2_FLOW_CONTROL_ERROR ||
	    frame->rst_stream.error_code == NGHTTP2_STREAM_CLOSED)
		(void)h2_abuse_count(&s->abuse, H2_ABUSE_MADE_RESETS);
}

static int on_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
	struct h2_session *s = of(user_data);
	(void)ng;
	if (frame->hd.type == NGHTTP2_RST_STREAM && s->is_server)
		reset_went(s, frame);
	/* What nghttp2 itself finds ends the connection so. */
	if (frame->hd.type == NGHTTP2_GOAWAY && s->fault == H2_NO_ERROR)
		s->fault = (uint8_t)frame->goaway.error_code;
	return 0;
}

/* ---- what sessions share ---- */

static void set_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_data_source_read_length_callback(c, read_length);
	nghttp2_session_callbacks_set_send_data_callback(c, send_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
}

static void set_option(nghttp2_option *option)
{
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_http_messaging(option, 1); /* h2_fields.h */
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_settings(option, 32);
	/* Resets have a limit of ours, by the second, which is always met first. */
	nghttp2_option_set_stream_reset_rate_limit(option, 1000000, 1000000);
	nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
}

enum err h2_shared_init(struct h2_shared *shared, size_t lines_max)
{
	*shared = (struct h2_shared){ .lines_max = lines_max };
	h2_arena_init_slab(&shared->arenas);
	shared->lines = calloc(lines_max, sizeof(*shared->lines));
	if (shared->lines == NULL || nghttp2_session_callbacks_new(&shared->callbacks) != 0 ||
	    nghttp2_option_new(&shared->option) != 0) {
		h2_shared_fini(shared);
		return ERR_MEMORY;
	}
	set_callbacks(shared->callbacks);
	set_option(shared->option);
	return ERR_OK;
}

void h2_shared_fini(struct h2_shared *shared)
{
	slab_fini(&shared->arenas);
	free(shared->lines);
	nghttp2_session_callbacks_del(shared->callbacks);
	nghttp2_option_del(shared->option);
	*shared = (struct h2_shared){ .callbacks = NULL };
}

/* ---- life ---- */

static bool submit_settings(struct h2_session *s, const struct h2_setup *setup)
{
	nghttp2_settings_entry entries[SETTINGS_MAX];
	size_t n = 0;
	if (s->is_server) {
		entries[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
							 INT32_MAX }; /* put_limit */
		entries[n++] =
			(nghttp2_settings_entry){ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 };
	} else {
		entries[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 };
	}
	entries[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
						 setup->stream_window };
	entries[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
						 setup->header_bytes };
	if (setup->has_connect)
		entries[n++] =
			(nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 };
	return nghttp2_submit_settings(s->ng, NGHTTP2_FLAG_NONE, entries, n) == 0 &&
	       nghttp2_session_set_local_window_size(s->ng, NGHTTP2_FLAG_NONE, 0,
						     (int32_t)setup->connection_window) == 0;
}

enum err h2_session_open(struct h2_session *s, struct h2_shared *shared, enum h2_side side,
			 const struct h2_setup *setup, const struct h2_events *events)
{
	*s = (struct h2_session){
		.events = events,
		.shared = shared,
		.is_server = side == H2_SERVER,
		.streams_max = setup->streams,
	};
	h2_abuse_init(&s->abuse, setup->streams);
	h2_watch_init(&s->watch);
	if (!h2_arena_open(&s->arena, &shared->arenas))
		return ERR_MEMORY;
	nghttp2_mem mem = h2_arena_mem(&s->arena);
	int made = (s->is_server ? nghttp2_session_server_new3 : nghttp2_session_client_new3)(
		&s->ng, shared->callbacks, s, shared->option, &mem);
	if (made == 0 && submit_settings(s, setup))
		return ERR_OK;
	h2_session_close(s);
	return ERR_MEMORY;
}

void h2_session_close(struct h2_session *s)
{
	h2_session_wake(s);
	nghttp2_session_del(s->ng);
	h2_arena_close(&s->arena);
	s->ng = NULL;
	s->rest = (struct str){ NULL, 0 };
}

/* ---- bytes ---- */

static enum h2_received failed(struct h2_session *s, ssize_t error)
{
	s->stream = NULL;
	s->is_failed = true;
	/* nghttp2's own limits: acknowledgements that wait, CONTINUATION frames, settings. */
	if (error == NGHTTP2_ERR_FLOODED || error == TOO_MANY_CONTINUATIONS)
		s->abuse.found = s->abuse.found == H2_ABUSE_NONE ? H2_ABUSE_FIELDS : s->abuse.found;
	if (s->abuse.found != H2_ABUSE_NONE) {
		h2_session_break(s, H2_ENHANCE_YOUR_CALM);
		return H2_ABUSED;
	}
	if (s->fault == H2_NO_ERROR)
		s->fault = error == NGHTTP2_ERR_NOMEM ? H2_INTERNAL_ERROR : H2_PROTOCOL_ERROR;
	h2_session_break(s, (enum h2_code)s->fault);
	return H2_BROKEN;
}

enum h2_received h2_session_receive(struct h2_session *s, const char *p, size_t n, int64_t now_ms)
{
	if (unlikely(s->is_failed))
		return H2_GOES_ON;
	h2_abuse_at(&s->abuse, now_ms);
	enum h2_code code = H2_NO_ERROR;
	ssize_t used = s->is_server
			       ? h2_watch_receive(&s->watch, s->ng, (const uint8_t *)p, n, &code)
			       : nghttp2_session_mem_recv(s->ng, (const uint8_t *)p, n);
	if (code != H2_NO_ERROR)
		used = fault(s, code);
	if (s->is_server && h2_watch_is_deaf(s->ng, s->streams_max) && s->abuse.found == 0)
		s->abuse.found = H2_ABUSE_MADE_RESETS;
	return used < 0 || s->abuse.found != H2_ABUSE_NONE ? failed(s, used) : H2_GOES_ON;
}

static void put_rest(struct h2_session *s)
{
	size_t left = s->room - s->n, n = s->rest.n < left ? s->rest.n : left;
	if (n == 0)
		return;
	memcpy(s->to + s->n, s->rest.p, n);
	s->n += n;
	s->rest.p += n;
	s->rest.n -= n;
}

/*
 * The limit of streams, into the first entry of our first SETTINGS. nghttp2 is told of none: it would
 * end the connection of a client that exceeds it.
 */
static void put_limit(const struct h2_session *s)
{
	uint8_t *value = (uint8_t *)s->to + FRAME_HEAD + 2;
	for (unsigned i = 0; i < 4; i++)
		value[i] = (uint8_t)(s->streams_max >> (24 - 8 * i));
}

size_t h2_session_gather(struct h2_session *s, char *to, size_t room)
{
	s->to = to;
	s->room = room;
	s->n = 0;
	put_rest(s);
	while (s->rest.n == 0 && s->room - s->n >= ROOM_MIN) {
		const uint8_t *p = NULL;
		ssize_t n = nghttp2_session_mem_send(s->ng, &p);
		if (n <= 0)
			break;
		s->rest = (struct str){ (const char *)p, (size_t)n };
		put_rest(s);
		if (unlikely(!s->has_begun) && s->is_server)
			put_limit(s);
		s->has_begun = true;
	}
	return s->n;
}

bool h2_session_has_output(const struct h2_session *s)
{
	return s->rest.n > 0 || nghttp2_session_want_write(s->ng) != 0;
}

bool h2_session_is_over(const struct h2_session *s)
{
	if (s->rest.n > 0)
		return false;
	return s->is_failed ||
	       (nghttp2_session_want_read(s->ng) == 0 && nghttp2_session_want_write(s->ng) == 0);
}

/* ---- heads and bodies, out ---- */

static const nghttp2_data_provider provider = { .read_callback = read_data };

int32_t h2_session_request(struct h2_session *s, const struct h2_lines *l, bool has_body,
			   void *stream)
{
	int32_t id = nghttp2_submit_request(s->ng, NULL, l->fields, l->n,
					    has_body ? &provider : NULL, stream);
	return id > 0 ? id : 0;
}

uint32_t h2_session_streams_max(const struct h2_session *s)
{
	return nghttp2_session_check_request_allowed(s->ng) == 0
		       ? 0
		       : nghttp2_session_get_remote_settings(
				 s->ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool h2_session_answer(struct h2_session *s, int32_t id, const struct h2_lines *l, bool has_body)
{
	return nghttp2_submit_response(s->ng, id, l->fields, l->n, has_body ? &provider : NULL) ==
	       0;
}

bool h2_session_interim(struct h2_session *s, int32_t id, const struct h2_lines *l)
{
	return nghttp2_submit_headers(s->ng, NGHTTP2_FLAG_NONE, id, NULL, l->fields, l->n, NULL) ==
	       0;
}

bool h2_session_trailers(struct h2_session *s, int32_t id, const struct h2_lines *l)
{
	return nghttp2_submit_trailer(s->ng, id, l->fields, l->n) == 0;
}

void h2_session_resume(struct h2_session *s, int32_t id)
{
	(void)nghttp2_session_resume_data(s->ng, id); /* it fails where it is not deferred */
}

void h2_session_reset(struct h2_session *s, int32_t id, enum h2_code code)
{
	(void)nghttp2_submit_rst_stream(s->ng, NGHTTP2_FLAG_NONE, id, (uint32_t)code);
}

void h2_session_forget(struct h2_session *s, int32_t id)
{
	if (s->stream != NULL && s->stream == stream_of(s, id))
		s->stream = NULL;
	(void)nghttp2_session_set_stream_user_data(s->ng, id, (void *)(uintptr_t)&forgotten);
}

void h2_session_prioritize(struct h2_session *s, int32_t id, unsigned urgency, bool is_incremental)
{
	nghttp2_extpri pri = { .urgency = urgency, .inc = is_incremental };
	(void)nghttp2_session_change_extpri_stream_priority(s->ng, id, &pri, 0);
}

/* ---- windows ---- */

void h2_session_took(struct h2_session *s, int32_t id, size_t n)
{
	if (n > 0)
		(void)nghttp2_session_consume_stream(s->ng, id, n);
}

size_t h2_session_may_send(const struct h2_session *s, int32_t id)
{
	int32_t stream = nghttp2_session_get_stream_remote_window_size(s->ng, id);
	int32_t all = nghttp2_session_get_remote_window_size(s->ng);
	int32_t n = stream < all ? stream : all;
	return n > 0 ? (size_t)n : 0;
}

/* ---- the connection ---- */

void h2_session_announce_end(struct h2_session *s)
{
	if (s->is_server)
		(void)nghttp2_submit_shutdown_notice(s->ng);
}

void h2_session_end(struct h2_session *s)
{
	s->watch.is_over = true;
	(void)nghttp2_submit_goaway(s->ng, NGHTTP2_FLAG_NONE,
				    nghttp2_session_get_last_proc_stream_id(s->ng),
				    NGHTTP2_NO_ERROR, NULL, 0);
}

void h2_session_break(struct h2_session *s, enum h2_code code)
{
	(void)nghttp2_session_terminate_session(s->ng, (uint32_t)code);
}
