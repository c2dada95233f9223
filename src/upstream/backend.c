#include "upstream/backend.h"

#include <stdio.h>
#include <stdlib.h>

#include "shm/board.h"
#include "shm/board_backend.h"

static bool address_of(struct addr *to, const struct board_addr *from, const char *path)
{
	*to = (struct addr){ 0 };
	switch (from->family) {
	case AF_INET:
		to->u.in.sin_family = AF_INET;
		to->u.in.sin_port = htons(from->port);
		memcpy(&to->u.in.sin_addr, from->ip, 4);
		to->len = sizeof(to->u.in);
		return true;
	case AF_INET6:
		to->u.in6.sin6_family = AF_INET6;
		to->u.in6.sin6_port = htons(from->port);
		to->u.in6.sin6_scope_id = from->scope;
		memcpy(&to->u.in6.sin6_addr, from->ip, 16);
		to->len = sizeof(to->u.in6);
		return true;
	case AF_UNIX:
		to->u.un.sun_family = AF_UNIX;
		if (!str_copy(to->u.un.sun_path, sizeof(to->u.un.sun_path), str_of(path)))
			return false;
		to->len = sizeof(to->u.un);
		return true;
	default:
		return false;
	}
}

static void set_authority(struct backend *b, const struct board_text *text)
{
	char *to = b->text->authority;
	size_t room = sizeof(b->text->authority);
	bool is_v6 = strchr(text->host, ':') != NULL;
	int n = text->host[0] == '\0' ? snprintf(to, room, "localhost")
				      : snprintf(to, room, is_v6 ? "[%s]:%u" : "%s:%u", text->host,
						 (unsigned)text->port);
	b->authority = (struct str){ to, n > 0 ? (size_t)n : 0 };
}

static bool has_addr(const struct backend *b, const struct addr *a)
{
	for (unsigned i = 0; i < b->addrs_n; i++) {
		if (addr_equal(&b->addrs[i], a))
			return true;
	}
	return false;
}

/* The address that stood the last time keeps its place in front, if it is still there. */
static void keep_first(struct backend *b, const struct addr *stood)
{
	b->first = 0;
	for (unsigned i = 0; i < b->addrs_n; i++) {
		if (addr_equal(&b->addrs[i], stood))
			b->first = (uint8_t)i;
	}
}

/* true: an address that was there is there no more. */
static bool set_addrs(struct backend *b, const struct board_text *text)
{
	struct addr before[DIAL_ADDRS_MAX];
	unsigned before_n = b->addrs_n;
	bool has_lost = false;
	struct addr *addrs = b->text->addrs;
	memcpy(before, addrs, before_n * sizeof *before);
	b->addrs_n = 0;
	for (unsigned i = 0; i < text->addrs && i < BOARD_ADDRS_MAX; i++) {
		if (address_of(&addrs[b->addrs_n], &text->addr[i], text->path))
			b->addrs_n++;
	}
	if (before_n > 0)
		keep_first(b, &before[b->first]);
	for (unsigned i = 0; i < before_n; i++)
		has_lost = has_lost || !has_addr(b, &before[i]);
	return has_lost;
}

/* true: TLS with it is another than before, or there is some or none now. */
static bool set_tls(struct backend *b, const struct board_text *text)
{
	struct backend_text *own = b->text;
	bool is_tls = strcmp(text->scheme, "https") == 0 || strcmp(text->scheme, "tls") == 0;
	bool has_changed = is_tls != b->is_tls || strcmp(text->host, own->host) != 0 ||
			   strcmp(text->server_name, own->server_name) != 0;
	b->is_tls = is_tls;
	(void)str_copy(own->host, sizeof(own->host),
		       str_of(text->host)); /* sizes as on the board */
	(void)str_copy(own->server_name, sizeof(own->server_name), str_of(text->server_name));
	return has_changed;
}

static bool refresh(struct upstream *u, struct backend *b, int slot, uint32_t epoch)
{
	uint32_t version =
		atomic_load_explicit(&u->board->backends[slot].text_version, memory_order_acquire);
	struct backend_text *own = b->text;
	struct board_text text;
	if (!board_backend_text(u->board, slot, epoch, &text))
		return false;
	bool is_other = set_tls(b, &text) || b->epoch != epoch;
	if (is_other)
		tls_sessions_drop(&own->sessions);
	if (set_addrs(b, &text) || is_other) {
		u->close_idle_of(b);
		b->places++;
	}
	b->slot = slot;
	b->epoch = epoch;
	b->text_version = version;
	b->send_proxy = text.send_proxy;
	(void)str_copy(own->name, sizeof(own->name), str_of(text.name)); /* sizes as on the board */
	(void)str_copy(own->url, sizeof(own->url), str_of(text.url));
	(void)str_copy(own->base, sizeof(own->base), str_of(text.base));
	b->base = str_of(own->base);
	set_authority(b, &text);
	return true;
}

static struct backend *backend_create(struct upstream *u, int slot, uint32_t epoch)
{
	struct backend_text *text = calloc(1, sizeof(*text));
	struct backend *b = text != NULL ? slab_take(&u->entries) : NULL;
	if (b == NULL) {
		free(text);
		return NULL;
	}
	*b = (struct backend){ .epoch = epoch,
			       .text = text,
			       .addrs = text->addrs,
			       .name = text->name,
			       .url = text->url };
	list_init(&b->idle);
	list_init(&b->dials);
	pace_init(&b->pace, u->loop, u->moment, u->workers, &b->idle_n);
	if (!refresh(u, b, slot, epoch)) {
		free(text);
		slab_put(&u->entries, b);
		return NULL;
	}
	u->backends[slot] = b;
	return b;
}

struct backend *upstream_backend(struct upstream *u, int slot, uint32_t epoch)
{
	if (slot < 0 || slot >= BOARD_BACKENDS_MAX)
		return NULL;
	struct backend *b = u->backends[slot];
	if (unlikely(b == NULL))
		return backend_create(u, slot, epoch);
	uint32_t version =
		atomic_load_explicit(&u->board->backends[slot].text_version, memory_order_acquire);
	if (likely(b->epoch == epoch && b->text_version == version))
		return b;
	return refresh(u, b, slot, epoch) ? b : NULL;
}
