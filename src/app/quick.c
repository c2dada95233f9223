#include "app/quick.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

struct text {
	char *to;
	size_t size, used;
};

static void printf_like(2, 3) add(struct text *t, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	int n = vsnprintf(t->to + t->used, t->size - t->used, format, values);
	va_end(values);
	t->used += n > 0 ? (size_t)n : 0;
	if (t->used >= t->size)
		t->used = t->size - 1; /* noticed at the end */
}

/* It stands between quotes. */
static enum err check(const char *word, struct error *e)
{
	for (const char *p = word; *p != '\0'; p++) {
		if (*p <= ' ' || *p == '"' || *p == '\\' || *p == 0x7f)
			return err_set(e, ERR_INVALID, "'%s' is not an address", word);
	}
	return ERR_OK;
}

/* Digits alone are a port. */
static enum err check_backend(const char *word, struct error *e)
{
	uint64_t port;

	if (isdigit((unsigned char)word[0]) && word[strcspn(word, ".:/")] == '\0' &&
	    word[strspn(word, "0123456789")] != '\0')
		return err_set(e, ERR_INVALID,
			       "'%s' is not a port (1-65535); a host of that name has one: %s:80",
			       word, word);
	if (word[0] != '\0' && word[strspn(word, "0123456789")] == '\0' &&
	    (!num_parse_u64(str_of(word), UINT16_MAX, &port) || port == 0))
		return err_set(e, ERR_INVALID, "'%s' is not a port (1-65535)", word);
	return check(word, e);
}

/* What stands before the word so that it is a URL. */
static const char *prefix(const char *word)
{
	uint64_t port;

	if (num_parse_u64(str_of(word), UINT16_MAX, &port))
		return "http://127.0.0.1:";
	if (strstr(word, "://") != NULL || str_starts_with(str_of(word), STR("unix:")))
		return "";
	return word[0] == ':' ? "http://127.0.0.1" : "http://";
}

enum err quick_write(char *to, size_t size, const char *listen, const char *const *backends,
		     unsigned count, struct error *e)
{
	struct text t = { .to = to, .size = size };
	enum err err = listen != NULL ? check(listen, e) : ERR_OK;

	add(&t, "return { listen = \"%s\", backends = {", listen != NULL ? listen : ":8080");
	for (unsigned i = 0; i < count && err == ERR_OK; i++) {
		err = check_backend(backends[i], e);
		add(&t, " \"%s%s\",", prefix(backends[i]), backends[i]);
	}
	add(&t, " } }\n");
	if (err == ERR_OK && t.used == size - 1)
		err = err_set(e, ERR_LIMIT, "too many backends for a command line: use a config");
	return err;
}
