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

static void printf_like(2, 3) append(struct text *t, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	int n = vsnprintf(t->to + t->used, t->size - t->used, format, values);
	va_end(values);
	t->used += n > 0 ? (size_t)n : 0;
	if (t->used >= t->size)
		t->used = t->size - 1; /* noticed at the end */
}

/* The word will stand between quotes. */
static enum err check_word(const char *word, struct error *e)
{
	for (const char *p = word; *p != '\0'; p++) {
		if (*p <= ' ' || *p == '"' || *p == '\\' || *p == 0x7f)
			return err_set(e, ERR_INVALID, "'%s' is not an address", word);
	}
	return ERR_OK;
}

/* Somebody took it for a URL. */
static enum err refuse_url(const char *word, const char *rest, bool is_tls, struct error *e)
{
	bool is_secure = str_starts_with(str_of(word), STR("https:")) ||
			 str_starts_with(str_of(word), STR("tls:"));
	int n = (int)strcspn(rest, "/");
	bool has_port = memrchr(rest, ':', (size_t)n) != NULL && rest[n - 1] != ']';

	return err_set(e, ERR_INVALID,
		       "-l %s: an address to listen on has no scheme (write -l %.*s%s%s)", word, n,
		       rest, has_port ? "" : ":8080", is_secure && !is_tls ? " --tls" : "");
}

static enum err check_listen(const struct quick *q, struct error *e)
{
	enum err err = q->listen != NULL ? check_word(q->listen, e) : ERR_OK;
	const char *colon = err == ERR_OK && q->listen != NULL ? strstr(q->listen, "://") : NULL;

	return colon == NULL ? err : refuse_url(q->listen, colon + 3, q->is_tls, e);
}

/* A word of digits alone is a port. */
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
	return check_word(word, e);
}

/* What makes a URL of the word when it stands before it. */
static const char *prefix(const char *word)
{
	uint64_t port;

	if (num_parse_u64(str_of(word), UINT16_MAX, &port))
		return "http://127.0.0.1:";
	if (strstr(word, "://") != NULL || str_starts_with(str_of(word), STR("unix:")))
		return "";
	return word[0] == ':' ? "http://127.0.0.1" : "http://";
}

enum err quick_write(char *to, size_t size, const struct quick *q, struct error *e)
{
	struct text t = { .to = to, .size = size };
	enum err err = check_listen(q, e);

	append(&t, "return { listen = \"%s\",%s backends = {",
	       q->listen != NULL ? q->listen : ":8080",
	       q->is_tls ? " tls = { self_signed = true }," : "");
	for (unsigned i = 0; i < q->backends_n && err == ERR_OK; i++) {
		err = check_backend(q->backends[i], e);
		append(&t, " \"%s%s\",", prefix(q->backends[i]), q->backends[i]);
	}
	append(&t, " } }\n");
	if (err == ERR_OK && t.used == size - 1)
		err = err_set(e, ERR_LIMIT, "too many backends for a command line: use a config");
	return err;
}
