#include "http/edits.h"

#include <stdlib.h>

#include "http/field_id.h"

enum { EDITS_BYTES_START = 512 };

struct edit {
	uint32_t name_at, value_at; /* into bytes */
	uint32_t name_n, value_n;
	uint8_t id;	   /* enum field_id */
	bool is_dead;	   /* a later change took its place */
	bool is_removal;   /* no value */
	bool has_replaced; /* the original field goes */
};

struct edits {
	uint32_t n, used, cap;
	struct edit list[EDITS_MAX];
	char bytes[];
};

static struct str edit_name(const struct edits *e, const struct edit *one)
{
	return (struct str){ e->bytes + one->name_at, one->name_n };
}

static struct str edit_value(const struct edits *e, const struct edit *one)
{
	return (struct str){ e->bytes + one->value_at, one->value_n };
}

static bool is_edit_of(const struct edits *e, const struct edit *one, enum field_id id,
		       struct str name)
{
	if (one->id != id)
		return false;
	return id != FIELD_OTHER || str_eq_nocase(edit_name(e, one), name);
}

/* Scripts never change fields that say where a message ends or are for one connection only. */
static enum edits_result check_edit(enum field_id id, struct str name, struct str value)
{
	const field_mask framing = (field_mask)1 << FIELD_CONTENT_LENGTH |
				   (field_mask)1 << FIELD_TRANSFER_ENCODING |
				   (field_mask)1 << FIELD_EXPECT;
	if (!h1_is_token(name))
		return EDITS_BAD_NAME;
	bool is_alias = memchr(name.p, '_', name.n) != NULL && field_is_alias(name);
	if (((framing | h1_hop_fields()) >> id & 1) != 0 || is_alias)
		return EDITS_FORBIDDEN;
	if (value.p == NULL)
		return id == FIELD_HOST ? EDITS_FORBIDDEN : EDITS_OK;
	return h1_is_field_value(value) ? EDITS_OK : EDITS_BAD_VALUE;
}

enum edits_result edits_check(struct str name, struct str value)
{
	return check_edit(field_id_of(name), name, str_trim(value));
}

/* Makes room for one more change of that many bytes. */
static enum edits_result reserve(struct edits **e, size_t bytes)
{
	struct edits *old = *e;
	size_t need = (old == NULL ? 0 : old->used) + bytes;
	size_t cap = old == NULL ? EDITS_BYTES_START : old->cap;
	if (need > EDITS_BYTES_MAX || (old != NULL && old->n == EDITS_MAX))
		return EDITS_FULL;
	if (old != NULL && need <= cap)
		return EDITS_OK;
	while (cap < need)
		cap *= 2;
	struct edits *new = realloc(old, sizeof *new + cap);
	if (new == NULL)
		return EDITS_MEMORY;
	if (old == NULL)
		new->n = new->used = 0;
	new->cap = (uint32_t)cap;
	*e = new;
	return EDITS_OK;
}

static uint32_t keep_text(struct edits *e, struct str s)
{
	uint32_t at = e->used;
	if (s.n > 0)
		memcpy(e->bytes + at, s.p, s.n);
	e->used += (uint32_t)s.n;
	return at;
}

static enum edits_result append_edit(struct edits **edits, struct str name, struct str value,
				     bool replaces)
{
	enum field_id id = field_id_of(name);
	enum edits_result result = check_edit(id, name, value);
	if (result == EDITS_OK)
		result = reserve(edits, name.n + value.n);
	if (result != EDITS_OK)
		return result;
	struct edits *e = *edits;
	for (uint32_t i = 0; replaces && i < e->n; i++)
		e->list[i].is_dead |= is_edit_of(e, &e->list[i], id, name);
	e->list[e->n++] = (struct edit){
		.name_at = keep_text(e, name),
		.value_at = keep_text(e, value),
		.name_n = (uint32_t)name.n,
		.value_n = (uint32_t)value.n,
		.id = (uint8_t)id,
		.is_removal = value.p == NULL,
		.has_replaced = replaces,
	};
	return EDITS_OK;
}

enum edits_result edits_set(struct edits **e, struct str name, struct str value)
{
	return append_edit(e, name, str_trim(value), true);
}

enum edits_result edits_add(struct edits **e, struct str name, struct str value)
{
	return append_edit(e, name, str_trim(value), false);
}

struct edits *edits_copy(const struct edits *e)
{
	size_t bytes = sizeof(*e) + e->cap;
	struct edits *copy = malloc(bytes);
	if (copy != NULL)
		memcpy(copy, e, sizeof(*e) + e->used);
	return copy;
}

void edits_free(struct edits *e)
{
	free(e);
}

int edits_find(const struct edits *e, struct str name, struct str *value)
{
	enum field_id id = field_id_of(name);
	int found = 0;
	for (uint32_t i = 0; e != NULL && i < e->n; i++) {
		const struct edit *one = &e->list[i];
		if (one->is_dead || !is_edit_of(e, one, id, name))
			continue;
		if (!one->is_removal) {
			*value = edit_value(e, one);
			return 1;
		}
		found = -1;
	}
	return found;
}

bool edits_next(const struct edits *e, uint32_t *at, struct str *name, struct str *value)
{
	while (e != NULL && *at < e->n) {
		const struct edit *one = &e->list[(*at)++];
		if (one->is_dead || one->is_removal)
			continue;
		*name = edit_name(e, one);
		*value = edit_value(e, one);
		return true;
	}
	return false;
}

bool edits_replaces(const void *edits, struct str name)
{
	const struct edits *e = edits;
	if (e == NULL)
		return false;
	enum field_id id = field_id_of(name);
	for (uint32_t i = 0; i < e->n; i++) {
		if (e->list[i].has_replaced && is_edit_of(e, &e->list[i], id, name))
			return true;
	}
	return false;
}

void edits_write(const struct edits *e, struct out *o)
{
	for (uint32_t i = 0; e != NULL && i < e->n; i++) {
		const struct edit *one = &e->list[i];
		if (!one->is_dead && !one->is_removal)
			h1_write_field(o, edit_name(e, one), edit_value(e, one));
	}
}

field_mask edits_present(const struct edits *e)
{
	field_mask present = 0;
	for (uint32_t i = 0; e != NULL && i < e->n; i++) {
		if (!e->list[i].is_dead && !e->list[i].is_removal)
			present |= (field_mask)1 << e->list[i].id;
	}
	return present & ~((field_mask)1 << FIELD_OTHER);
}
