#include "http/h2_lines.h"

#include "http/field_id.h"

void h2_lines_init(struct h2_lines *l, nghttp2_nv *memory, size_t room)
{
	*l = (struct h2_lines){ .fields = memory, .room = room };
}

static void add(struct h2_lines *l, struct str name, struct str value)
{
	if (l->n == l->room) {
		l->is_full = true;
		return;
	}
	l->fields[l->n++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.p,
		.value = (uint8_t *)(uintptr_t)value.p,
		.namelen = name.n,
		.valuelen = value.n,
	};
}

static void lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = str_lower_char(p[i]);
}

/* The next line of *rest, without its end; false: none is left. */
static bool next_line(struct str *rest, struct str *line)
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	if (end == NULL)
		return false;
	*line = (struct str){ rest->p, (size_t)(end - rest->p) };
	rest->n -= line->n + 1;
	rest->p = end + 1;
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return line->n > 0;
}

/* RFC 9113 §8.2.2 */
static bool is_of_connection(enum field_id id, struct str value)
{
	switch (id) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
	case FIELD_HTTP2_SETTINGS:
		return true;
	case FIELD_TE:
		return !str_eq_nocase(value, STR("trailers"));
	default:
		return false;
	}
}

/* host: where the value of Host goes, which is left out then; NULL: it stays a field. */
static void add_lines(struct h2_lines *l, struct str rest, struct str *host)
{
	struct str line;
	while (next_line(&rest, &line)) {
		const char *colon = memchr(line.p, ':', line.n);
		if (colon == NULL)
			continue;
		struct str name = { line.p, (size_t)(colon - line.p) };
		struct str value = str_trim((struct str){ colon + 1, line.n - name.n - 1 });
		enum field_id id = field_id_of(name);
		lower((char *)(uintptr_t)name.p, name.n);
		if (id == FIELD_HOST && host != NULL)
			*host = value;
		else if (id == FIELD_OTHER || !is_of_connection(id, value))
			add(l, name, value);
	}
}

bool h2_lines_answer(struct h2_lines *l, char *text, size_t n, uint16_t *status)
{
	struct str rest = { text, n }, line, version;
	*status = 0;
	if (!next_line(&rest, &line) || !str_split(&line, ' ', &version) || line.n < 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		*status = (uint16_t)(*status * 10 + (line.p[i] - '0'));
	add(l, STR(":status"), (struct str){ line.p, 3 });
	add_lines(l, rest, NULL);
	return !l->is_full;
}

bool h2_lines_request(struct h2_lines *l, char *text, size_t n, struct str scheme,
		      struct str protocol)
{
	struct str rest = { text, n }, line, method, target, host = STR("");
	size_t authority = 3;
	if (!next_line(&rest, &line) || !str_split(&line, ' ', &method) ||
	    !str_split(&line, ' ', &target))
		return false;
	add(l, STR(":method"), protocol.n > 0 ? STR("CONNECT") : method);
	add(l, STR(":scheme"), scheme);
	add(l, STR(":path"), target);
	if (protocol.n > 0) {
		add(l, STR(":protocol"), protocol);
		authority++;
	}
	add(l, STR(":authority"), STR(""));
	add_lines(l, rest, &host);
	if (l->is_full)
		return false;
	l->fields[authority].value = (uint8_t *)(uintptr_t)host.p;
	l->fields[authority].valuelen = host.n;
	return true;
}

bool h2_lines_trailers(struct h2_lines *l, char *text, size_t n)
{
	add_lines(l, (struct str){ text, n }, NULL);
	return !l->is_full;
}
