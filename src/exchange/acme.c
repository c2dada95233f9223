#include "exchange/acme.h"

#include <stdlib.h>

#include "base/grow.h"
#include "base/log.h"
#include "shm/board_acme.h"

/* An entry, and what was read of it. */
struct item {
	struct acme_entry entry;
	struct certificate *certificate; /* NULL: not yet, or it cannot be read */
};

struct acme {
	const struct board *board;
	uint32_t version; /* of the copy; 0: there is none */
	char *text;
	struct item *items; /* sorted */
	uint32_t items_n, items_room;
};

enum err acme_create(struct acme **a, const struct board *board, struct error *e)
{
	*a = calloc(1, sizeof(**a));
	if (*a == NULL)
		return err_set(e, ERR_MEMORY, "no memory for certificates of a CA");
	(*a)->board = board;
	return ERR_OK;
}

static void forget(struct acme *a)
{
	for (size_t i = 0; i < a->items_n; i++)
		certificate_drop(a->items[i].certificate);
	a->items_n = 0;
	free(a->text);
	a->text = NULL;
}

void acme_destroy(struct acme *a)
{
	if (a == NULL)
		return;
	forget(a);
	free(a->items);
	free(a);
}

static int compare_str(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (order != 0)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

static int compare(const void *left, const void *right)
{
	const struct acme_entry *a = &((const struct item *)left)->entry;
	const struct acme_entry *b = &((const struct item *)right)->entry;
	int order;

	if (a->service != b->service)
		return a->service < b->service ? -1 : 1;
	order = compare_str(a->kind, b->kind);
	return order != 0 ? order : compare_str(a->name, b->name);
}

static bool add_item(struct acme *a, const struct acme_entry *entry)
{
	struct item *items = grow(a->items, a->items_n, &a->items_room, sizeof(*items));

	if (items == NULL)
		return false;
	a->items = items;
	a->items[a->items_n++] = (struct item){ .entry = *entry };
	return true;
}

/* The text is this object's from here on. */
static void take_text(struct acme *a, char *text, size_t n)
{
	struct str rest = { text, n };
	struct acme_entry entry;

	forget(a);
	a->text = text;
	while (acme_entry_next(&rest, &entry)) {
		if (!add_item(a, &entry))
			break;
	}
	if (a->items_n > 0)
		qsort(a->items, a->items_n, sizeof(*a->items), compare);
}

/* Where nothing has changed this is one atomic load. */
static void look_again(struct acme *a)
{
	struct error e;
	uint32_t version;
	char *text;
	size_t n;

	if (likely(board_acme_version(a->board) == a->version))
		return;
	if (board_acme_read(a->board, &text, &n, &version, &e) != ERR_OK) {
		log_error("certificates of a CA: %s; the ones before serve on", e.text);
		return;
	}
	take_text(a, text, n);
	a->version = version;
}

static struct item *find(const struct acme_place *place, struct str kind, struct str name)
{
	struct acme *a = place->acme;
	struct item key = { .entry = { .kind = kind, .name = name, .service = place->service } };

	look_again(a);
	if (a->items_n == 0)
		return NULL;
	return bsearch(&key, a->items, a->items_n, sizeof(*a->items), compare);
}

struct str acme_answer(const struct acme_place *place, struct str path)
{
	static const struct str folder = STR_INIT("/.well-known/acme-challenge/");
	const struct item *item;

	if (likely(!str_starts_with(path, folder)))
		return (struct str){ NULL, 0 };
	item = find(place, STR("http"), (struct str){ path.p + folder.n, path.n - folder.n });
	return item == NULL ? (struct str){ NULL, 0 } : item->entry.bytes;
}

/* Read at its first use. */
static struct certificate *certificate_of(struct item *item)
{
	struct certificate_text text = { .chain = item->entry.bytes };
	struct error e;

	if (item->certificate == NULL &&
	    certificate_read(&item->certificate, &text, &e) != ERR_OK) {
		item->certificate = NULL;
		log_error("the certificate of a CA for %.*s: %s", (int)item->entry.name.n,
			  item->entry.name.p, e.text);
	}
	return item->certificate;
}

static enum tls_sourced show(struct item *item, struct certificate **certificate)
{
	*certificate = item == NULL ? NULL : certificate_of(item);
	return *certificate == NULL ? TLS_SOURCED_REFUSE : TLS_SOURCED;
}

static bool is_ours(const struct conf_tls *tls, struct str name)
{
	for (unsigned i = 0; i < tls->acme.domains_n; i++) {
		if (str_eq(str_of(tls->acme.domains[i]), name))
			return true;
	}
	return false;
}

/* Somebody else's name, or none: the first that there is. */
static enum tls_sourced show_first(const struct acme_place *place, struct certificate **certificate)
{
	const struct conf_tls *tls = &place->conf->tls;

	if (tls->certificates_n > 0 || tls->self_signed)
		return TLS_SOURCED_NONE;
	if (tls->is_strict || tls->acme.domains_n == 0)
		return TLS_SOURCED_REFUSE;
	return show(find(place, STR("pem"), str_of(tls->acme.domains[0])), certificate);
}

enum tls_sourced acme_certificate(void *ctx, SSL *ssl, struct str name,
				  struct certificate **certificate)
{
	const struct acme_place *place = ctx;
	struct item *item = name.n == 0 ? NULL : find(place, STR("pem"), name);

	(void)ssl;
	if (item != NULL || is_ours(&place->conf->tls, name))
		return show(item, certificate);
	return show_first(place, certificate);
}

enum tls_sourced acme_challenge(void *ctx, SSL *ssl, struct str name,
				struct certificate **certificate)
{
	(void)ssl;
	return show(find(ctx, STR("alpn"), name), certificate);
}
