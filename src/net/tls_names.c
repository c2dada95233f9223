#include "net/tls_names.h"

#include <stdlib.h>

#include "base/fnv.h"

enum { SIZE_FIRST = 16 };

/* The name's row, or the free one where it would stand. The table is never full. */
static struct tls_name_row *place(const struct tls_names *t, struct str name)
{
	uint64_t hash = fnv_add(fnv_start, name.p, name.n);
	size_t at = (size_t)(hash ^ (hash >> 32)) & (t->size - 1);
	while (t->rows[at].name.p != NULL && !str_eq(t->rows[at].name, name))
		at = (at + 1) & (t->size - 1);
	return &t->rows[at];
}

static bool grow(struct tls_names *t)
{
	struct tls_names larger = { .size = t->size == 0 ? SIZE_FIRST : t->size * 2 };
	larger.rows = calloc(larger.size, sizeof(*larger.rows));
	if (larger.rows == NULL)
		return false;
	for (size_t i = 0; i < t->size; i++) {
		if (t->rows[i].name.p != NULL)
			*place(&larger, t->rows[i].name) = t->rows[i];
	}
	free(t->rows);
	t->rows = larger.rows;
	t->size = larger.size;
	return true;
}

static struct tls_name_row *add(struct tls_names *t, struct str name)
{
	if (t->used * 2 >= t->size && !grow(t))
		return NULL;
	struct tls_name_row *row = place(t, name);
	if (row->name.p != NULL)
		return row;
	char *copy = malloc(name.n);
	if (copy == NULL)
		return NULL;
	memcpy(copy, name.p, name.n);
	row->name = (struct str){ copy, name.n };
	t->used++;
	return row;
}

/* What adding the names of one certificate needs. */
struct adding {
	struct tls_names *table;
	struct certificate *certificate;
	enum err err;
};

static void add_name(void *ctx, struct str name)
{
	struct adding *a = ctx;
	struct tls_name_row *row = add(a->table, name);
	if (row == NULL) {
		a->err = ERR_MEMORY;
		return;
	}
	struct certificate **of_kind = &row->kinds[certificate_kind(a->certificate)];
	if (*of_kind == NULL)
		*of_kind = a->certificate;
}

/* Certificates of other kinds that share a name with the first one serve beside it. */
static void take_siblings(void *ctx, struct str name)
{
	struct tls_names *t = ctx;
	const struct tls_name_row *row = place(t, name);
	for (unsigned i = 0; i < CERTIFICATE_KINDS; i++) {
		if (t->first.kinds[i] == NULL)
			t->first.kinds[i] = row->kinds[i];
	}
}

static void choose_first(struct tls_names *t)
{
	struct certificate *first = t->certificates[0];
	t->first.kinds[certificate_kind(first)] = first;
	certificate_each_name(first, take_siblings, t);
}

enum err tls_names_init(struct tls_names *t, struct certificate *const *certificates,
			unsigned count)
{
	*t = (struct tls_names){ 0 };
	if (count == 0)
		return ERR_OK;
	t->certificates = calloc(count, sizeof(struct certificate *));
	if (t->certificates == NULL)
		return ERR_MEMORY;
	for (unsigned i = 0; i < count; i++) {
		struct adding a = { .table = t, .certificate = certificates[i] };
		t->certificates[t->certificate_count++] = certificate_keep(certificates[i]);
		certificate_each_name(certificates[i], add_name, &a);
		if (a.err != ERR_OK)
			return a.err;
	}
	choose_first(t);
	return ERR_OK;
}

void tls_names_free(struct tls_names *t)
{
	for (size_t i = 0; i < t->size; i++)
		free((void *)(uintptr_t)t->rows[i].name.p);
	for (unsigned i = 0; i < t->certificate_count; i++)
		certificate_drop(t->certificates[i]);
	free(t->rows);
	free(t->certificates);
	*t = (struct tls_names){ 0 };
}

/* How many names a certificate has, and of how many it is the one that is shown. */
struct standing {
	const struct tls_names *table;
	const struct certificate *certificate;
	unsigned names, shown;
};

static void look_at_name(void *ctx, struct str name)
{
	struct standing *s = ctx;
	const struct tls_name_row *row = place(s->table, name);

	s->names++;
	if (row->kinds[certificate_kind(s->certificate)] == s->certificate)
		s->shown++;
}

void tls_names_each_idle(const struct tls_names *t,
			 void (*fn)(void *ctx, const struct certificate *c), void *ctx)
{
	for (unsigned i = 1; i < t->certificate_count; i++) { /* the first one is never idle */
		struct standing s = { .table = t, .certificate = t->certificates[i] };

		certificate_each_name(s.certificate, look_at_name, &s);
		if (s.names > 0 && s.shown == 0)
			fn(ctx, s.certificate);
	}
}

static const struct tls_name_row *find_exact(const struct tls_names *t, struct str name)
{
	const struct tls_name_row *row = place(t, name);
	return row->name.p != NULL ? row : NULL;
}

const struct tls_name_row *tls_names_find(const struct tls_names *t, struct str name)
{
	char wild[256] = "*";
	if (t->size == 0 || name.n == 0 || name.n >= sizeof(wild) || name.p[0] == '*')
		return NULL;
	const struct tls_name_row *row = find_exact(t, name);
	const char *dot = memchr(name.p, '.', name.n);
	if (row != NULL || dot == NULL || dot == name.p)
		return row;
	size_t n = name.n - (size_t)(dot - name.p);
	memcpy(wild + 1, dot, n);
	return find_exact(t, (struct str){ wild, n + 1 });
}
