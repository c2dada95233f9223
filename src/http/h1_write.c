#include "http/h1_write.h"

#include "http/scan.h"

void h1_write_field(struct out *o, struct str name, struct str value)
{
	out_str(o, name);
	out_str(o, STR(": "));
	out_str(o, value);
	out_str(o, STR("\r\n"));
}

/* Where the line of field i begins; i = n: the blank line. */
static uint32_t line_at(const struct http_head *h, uint16_t i)
{
	return i < h->n ? h->fields[i].line : h->bytes - 2;
}

void h1_write_fields(struct out *o, const struct http_head *h, const char *base, field_mask drop,
		     bool (*except)(const void *ctx, struct str name), const void *ctx)
{
	uint32_t run = h->fields_at; /* everything from here on is kept so far */
	for (uint16_t i = 0; i < h->n; i++) {
		const struct http_field *f = &h->fields[i];
		if ((drop >> f->id & 1) == 0 && f->named_hop == 0 &&
		    (except == NULL || !except(ctx, http_field_name(base, f))))
			continue;
		out_str(o, (struct str){ base + run, f->line - run });
		run = line_at(h, (uint16_t)(i + 1));
	}
	out_str(o, (struct str){ base + run, line_at(h, h->n) - run });
}

field_mask h1_hop_fields(void)
{
	const field_mask one = 1;
	return one << FIELD_CONNECTION | one << FIELD_KEEP_ALIVE | one << FIELD_PROXY_CONNECTION |
	       one << FIELD_TE | one << FIELD_TRANSFER_ENCODING | one << FIELD_UPGRADE |
	       one << FIELD_HTTP2_SETTINGS | one << FIELD_PROXY_AUTHENTICATE |
	       one << FIELD_PROXY_AUTHORIZATION | one << FIELD_PROXY_AUTHENTICATION_INFO;
}

bool h1_is_token(struct str s)
{
	return s.n > 0 && scan_while(s.p, s.p + s.n, SCAN_TOKEN) == s.p + s.n;
}

bool h1_is_field_value(struct str s)
{
	return s.n == 0 || scan_value(s.p, s.p + s.n) == s.p + s.n;
}

bool h1_is_target(struct str s)
{
	struct scan_marks marks;
	if (s.n == 0 || s.p[0] != '/' || scan_target(s.p, s.p + s.n, &marks) != s.p + s.n)
		return false;
	/* An unfinished percent-encoding reaches the end too. */
	size_t path_n = marks.question != NULL ? (size_t)(marks.question - s.p) : s.n;
	size_t tail = path_n < 2 ? path_n : 2;
	return memchr(s.p + path_n - tail, '%', tail) == NULL;
}
