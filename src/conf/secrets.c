#include "conf/secrets.h"

#include <stdio.h>
#include <string.h>

enum { WHERE_MAX = 2300 }; /* a key of the config and a path */

const char secrets_self_signed[] = "self-signed";

/* The name of what is known of a service's certificates is "\n" and its key: no file's. */
static const char facts_mark = '\n';

/* ---- what is known without reading it ---- */

static void write_name(void *to, struct str name)
{
	(void)fputc(' ', to);
	(void)fwrite(name.p, 1, name.n, to);
}

void secrets_write_facts(FILE *to, const struct certificate *c)
{
	(void)fputc('0' + (int)certificate_kind(c), to);
	certificate_each_name(c, write_name, to);
	(void)fputc('\n', to);
}

static const char *facts_path(char to[WHERE_MAX], const struct conf_tls *t)
{
	(void)snprintf(to, WHERE_MAX, "%c%s", facts_mark, t->where);
	return to;
}

enum err secrets_put_facts(struct bundle *b, const struct conf_tls *t, struct str lines,
			   struct error *e)
{
	char path[WHERE_MAX];

	return bundle_put(b, facts_path(path, t), lines, e);
}

bool secrets_is_file(const char *path)
{
	return path[0] != facts_mark && strcmp(path, secrets_self_signed) != 0;
}

/* One walk over a service's certificates. */
struct walk {
	struct bundle *b;
	const struct secret_visitor *v;
	struct str facts; /* the lines that are left; p NULL: none are known */
};

static struct str find_facts(struct bundle *b, const struct conf_tls *t)
{
	char path[WHERE_MAX];
	struct str lines = { NULL, 0 };

	if (t->where == NULL || !bundle_keeps(b, facts_path(path, t)) ||
	    bundle_read_as(b, BUNDLE_PUBLIC, path, &lines, NULL) != ERR_OK)
		lines.p = NULL;
	return lines;
}

/* NULL: there are none. */
static const struct certificate_facts *next_facts(struct walk *w, struct certificate_facts *to)
{
	struct str line;

	if (!str_split(&w->facts, '\n', &line) || line.n == 0 || line.p[0] < '0' ||
	    line.p[0] >= '0' + CERTIFICATE_KINDS)
		return NULL;
	to->kind = (enum certificate_kind)(line.p[0] - '0');
	to->names = (struct str){ line.p + 1, line.n - 1 };
	return to;
}

/* ---- files ---- */

/* "tls.certificates[2]" and "key" → "tls.certificates[2].key". */
enum err secrets_file(struct bundle *b, enum bundle_use use, const char *where, const char *key,
		      const char *path, struct str *bytes, struct error *e)
{
	enum err err = bundle_read_as(b, use, path, bytes, e);

	if (err != ERR_OK)
		return err_set(e, err, "%s%s%s: %s", where, key[0] != '\0' ? "." : "", key,
			       e != NULL ? e->text : "");
	if (bytes->n == 0)
		return err_set(e, ERR_INVALID, "%s%s%s: %s: the file is empty", where,
			       key[0] != '\0' ? "." : "", key, path);
	return ERR_OK;
}

bool secrets_have_key(struct str pem)
{
	static const char mark[] = "PRIVATE KEY-----";

	return memmem(pem.p, pem.n, mark, sizeof(mark) - 1) != NULL;
}

/* The files of one certificate, before they are read. */
struct paths {
	const char *where;
	const char *chain_key, *key_key, *ocsp_key; /* keys of the config; "" within a folder */
	const char *chain, *key, *ocsp;		    /* NULL: none */
	const char *
		absent_key; /* the file that is not there, for a chain with no key in it; or NULL */
};

static enum err read_files(struct bundle *b, const struct paths *p, struct secret_certificate *s,
			   struct error *e)
{
	enum bundle_use use = p->key == NULL ? BUNDLE_SECRET : BUNDLE_PUBLIC;
	enum err err = secrets_file(b, use, p->where, p->chain_key, p->chain, &s->chain, e);

	if (err == ERR_OK && p->key != NULL)
		err = secrets_file(b, BUNDLE_SECRET, p->where, p->key_key, p->key, &s->key, e);
	if (err == ERR_OK && p->ocsp != NULL)
		err = secrets_file(b, BUNDLE_PUBLIC, p->where, p->ocsp_key, p->ocsp, &s->ocsp, e);
	return err;
}

static enum err miss_key(const struct paths *p, struct str chain, struct error *e)
{
	if (p->absent_key == NULL || secrets_have_key(chain))
		return ERR_OK;
	return err_set(e, ERR_INVALID, "%s: %s is missing (%s has no private key in it)", p->where,
		       p->absent_key, p->chain);
}

static const char *say_where(char to[WHERE_MAX], const char *where, const char *key,
			     const char *path)
{
	(void)snprintf(to, WHERE_MAX, "%s%s%s: %s", where, key[0] != '\0' ? "." : "", key, path);
	return to;
}

static enum err show(struct walk *w, const struct paths *p, struct error *e)
{
	char chain[WHERE_MAX], key[WHERE_MAX], ocsp[WHERE_MAX];
	const struct secret_visitor *v = w->v;
	struct certificate_facts facts;
	struct secret_certificate s = {
		.where = p->where,
		.chain_path = p->chain,
		.key_path = p->key == NULL ? p->chain : p->key,
		.chain_where = say_where(chain, p->where, p->chain_key, p->chain),
	};

	s.key_where = p->key == NULL ? s.chain_where : say_where(key, p->where, p->key_key, p->key);
	s.ocsp_where = p->ocsp == NULL ? NULL : say_where(ocsp, p->where, p->ocsp_key, p->ocsp);
	s.facts = next_facts(w, &facts);
	enum err err = read_files(w->b, p, &s, e);
	if (err == ERR_OK)
		err = miss_key(p, s.chain, e);
	if (err == ERR_OK)
		err = v->on_certificate(v->ctx, &s, e);
	if (err != ERR_OK && v->on_error != NULL)
		err = v->on_error(v->ctx, e);
	return err;
}

/* ---- folders ---- */

enum { PATH_ROOM = 2048 };

struct folder {
	struct walk *w;
	const char *where, *path;
	struct str names;
};

/* The line at or before `at`, but not before `from`. */
static struct str line_around(struct str names, size_t from, size_t at)
{
	while (at > from && names.p[at - 1] != '\n')
		at--;
	const char *end = memchr(names.p + at, '\n', names.n - at);
	return (struct str){ names.p + at,
			     end == NULL ? names.n - at : (size_t)(end - names.p) - at };
}

/* By bytes, as the names are sorted. */
static int compare(struct str a, struct str b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

/* A folder of 10,000 certificates asks this 20,000 times: half of the names go at each step. */
static bool has_name(struct str names, struct str wanted)
{
	size_t from = 0, to = names.n;

	while (from < to) {
		struct str line = line_around(names, from, from + (to - from) / 2);
		int order = compare(line, wanted);
		if (order == 0)
			return true;
		if (order < 0)
			from = (size_t)(line.p - names.p) + line.n + 1;
		else
			to = (size_t)(line.p - names.p);
	}
	return false;
}

/* The path of the file beside that has the same name with another end; NULL: there is none. */
static const char *beside(char to[PATH_ROOM], const struct folder *f, struct str stem,
			  const char *suffix)
{
	size_t folder_n = strlen(f->path);
	int n = snprintf(to, PATH_ROOM, "%s%.*s%s", f->path, (int)stem.n, stem.p, suffix);

	if (n >= PATH_ROOM)
		return NULL;
	return has_name(f->names, str_of(to + folder_n)) ? to : NULL;
}

static bool is_certificate(struct str name)
{
	const char *end = name.p + name.n - 4;

	return name.n > 4 && (memcmp(end, ".pem", 4) == 0 || memcmp(end, ".crt", 4) == 0);
}

static enum err show_named(const struct folder *f, struct str name, struct error *e)
{
	char chain[PATH_ROOM], key[PATH_ROOM], ocsp[PATH_ROOM], absent[PATH_ROOM];
	struct str stem = { name.p, name.n - 4 };
	int n = snprintf(chain, sizeof(chain), "%s%.*s", f->path, (int)name.n, name.p);

	if (n >= PATH_ROOM)
		return err_set(e, ERR_LIMIT, "%s: %s: too long a path", f->where, f->path);
	struct paths p = {
		f->where,
		"",
		"",
		"",
		chain,
		beside(key, f, stem, ".key"),
		beside(ocsp, f, stem, ".ocsp"),
		NULL,
	};
	n = snprintf(absent, sizeof(absent), "%s%.*s.key", f->path, (int)stem.n, stem.p);
	if (p.key == NULL && n < PATH_ROOM)
		p.absent_key = absent;
	return show(f->w, &p, e);
}

static enum err show_all(const struct folder *f, struct error *e)
{
	struct str rest = f->names, name;
	enum err err = ERR_OK;
	unsigned found = 0;

	while (err == ERR_OK && str_split(&rest, '\n', &name)) {
		if (!is_certificate(name))
			continue;
		found++;
		err = show_named(f, name, e);
	}
	if (err == ERR_OK && found == 0)
		err = err_set(e, ERR_INVALID,
			      "%s: %s: no certificate is in this folder (expected NAME.pem, or "
			      "NAME.crt with NAME.key)",
			      f->where, f->path);
	return err;
}

static enum err show_folder(struct walk *w, const struct conf_tls_certificate *c, struct error *e)
{
	struct folder f = { w, c->where, c->certificate, { NULL, 0 } };
	enum err err = bundle_list(w->b, c->certificate, &f.names, e);

	if (err != ERR_OK)
		(void)err_set(e, err, "%s: %s", c->where, e != NULL ? e->text : "");
	else
		err = show_all(&f, e);
	if (err != ERR_OK && w->v->on_error != NULL)
		err = w->v->on_error(w->v->ctx, e);
	return err;
}

/* ---- all of a service ---- */

static bool is_folder(const char *path)
{
	size_t n = strlen(path);

	return n > 0 && path[n - 1] == '/';
}

static enum err show_configured(struct walk *w, const struct conf_tls_certificate *c,
				struct error *e)
{
	struct paths p = { c->where,	   "certificate", "key",   "ocsp",
			   c->certificate, c->key,	  c->ocsp, NULL };

	return is_folder(c->certificate) ? show_folder(w, c, e) : show(w, &p, e);
}

static enum err show_self_signed(struct walk *w, const struct conf_tls *t, struct error *e)
{
	struct paths p = { t->where, "self_signed", "", "", secrets_self_signed, NULL, NULL, NULL };

	return show(w, &p, e);
}

enum err secrets_each(struct bundle *b, const struct conf_tls *t, const struct secret_visitor *v,
		      struct error *e)
{
	struct walk w = { b, v, find_facts(b, t) };
	enum err err = ERR_OK;

	for (unsigned i = 0; i < t->certificates_n && err == ERR_OK; i++)
		err = show_configured(&w, &t->certificates[i], e);
	return err == ERR_OK && t->self_signed ? show_self_signed(&w, t, e) : err;
}
