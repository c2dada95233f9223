#include "app/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/fetch.h"
#include "app/token.h"
#include "base/cc.h"
#include "base/num.h"
#include "base/str.h"
#include "lua/screen.h"

enum { WEIGHT_MAX = 1000 };

static const struct {
	const char *verb, *state;
} verbs[] = {
	{ "drain", "drain" },
	{ "undrain", "auto" },
	{ "up", "up" },
	{ "down", "down" },
};

static const char *state_of(const char *verb)
{
	for (size_t i = 0; i < countof(verbs); i++) {
		if (strcmp(verb, verbs[i].verb) == 0)
			return verbs[i].state;
	}
	return NULL;
}

bool change_is_verb(const char *word)
{
	return strcmp(word, "weight") == 0 || state_of(word) != NULL;
}

enum err change_add(struct change_wish *w, const char *word, struct error *e)
{
	const char **place = w->pool == NULL				      ? &w->pool
			     : w->backend == NULL			      ? &w->backend
			     : w->weight == NULL && state_of(w->verb) == NULL ? &w->weight
									      : NULL;

	if (place == NULL)
		return err_set(e, ERR_INVALID, "%s: '%s' is too much: one backend is expected",
			       w->verb, word);
	*place = word;
	return ERR_OK;
}

enum err change_check(const struct change_wish *w, struct error *e)
{
	bool has_weight = state_of(w->verb) == NULL;
	uint64_t n;

	if (w->backend == NULL || (has_weight && w->weight == NULL))
		return err_set(e, ERR_INVALID,
			       "%s: %s is missing: neap %s POOL BACKEND%s (neap status shows them)",
			       w->verb,
			       w->pool == NULL	    ? "the pool"
			       : w->backend == NULL ? "the backend"
						    : "the weight",
			       w->verb, has_weight ? " N" : "");
	if (has_weight && !num_parse_u64(str_of(w->weight), WEIGHT_MAX, &n))
		return err_set(e, ERR_INVALID, "weight: '%s' is not a whole number from 0 to %d",
			       w->weight, WEIGHT_MAX);
	return ERR_OK;
}

/* With %XX for each byte that has a meaning in a path. false: it does not fit. */
static bool add_segment(char *to, size_t size, const char *name)
{
	size_t n = strlen(to);

	for (const char *p = name; *p != '\0'; p++) {
		bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
				(*p >= '0' && *p <= '9') || strchr("-._~:", *p) != NULL;
		if (n + 4 > size)
			return false;
		if (is_plain)
			to[n++] = *p;
		else
			n += (size_t)snprintf(to + n, size - n, "%%%02X", (unsigned char)*p);
		to[n] = '\0';
	}
	return true;
}

static enum err write_path(const struct change_wish *w, char *to, size_t size, struct error *e)
{
	(void)snprintf(to, size, "/pools/");
	bool fits = add_segment(to, size, w->pool) && strlen(to) + sizeof("/backends/") < size;

	if (fits)
		(void)snprintf(to + strlen(to), size - strlen(to), "/backends/");
	if (fits && add_segment(to, size, w->backend))
		return ERR_OK;
	return err_set(e, ERR_LIMIT, "%s: the names are too long", w->verb);
}

static enum err print_answer(const struct look *l, struct str answer, struct error *e)
{
	struct screen_size size = { .columns = 120, .is_terminal = isatty(STDOUT_FILENO) == 1 };
	struct screen *s;
	struct str text;
	enum err err = screen_create(&s, l->module, e);

	if (err != ERR_OK)
		return err;
	err = screen_draw(s, answer, &size, &text, e);
	if (err == ERR_OK)
		(void)printf("%.*s", (int)text.n, text.p);
	screen_destroy(s);
	return err;
}

enum err change_run(const struct change_wish *w, const char *token_file, const struct look *l,
		    struct error *e)
{
	char path[LOOK_PATH_MAX], token[FETCH_TOKEN_MAX], body[64];
	const char *state = state_of(w->verb);
	uint64_t weight = 0;
	struct fetched f = { .bytes = NULL };
	struct addr a;
	enum err err = write_path(w, path, sizeof(path), e);

	if (err == ERR_OK)
		err = look_find(l, &a, e);
	if (err == ERR_OK)
		err = token_find(l, token_file, token, e);
	if (err != ERR_OK)
		return err;
	if (state != NULL)
		(void)snprintf(body, sizeof(body), "{\"state\":\"%s\"}", state);
	else if (num_parse_u64(str_of(w->weight), WEIGHT_MAX, &weight))
		(void)snprintf(body, sizeof(body), "{\"weight\":%u}", (unsigned)weight);
	struct fetch_order o = { "PATCH", path, token, str_of(body) };
	err = fetch_do(&a, &o, &f, e);
	if (err == ERR_OK)
		err = print_answer(l, f.body, e);
	free(f.bytes);
	return err;
}
