#include "http/via.h"

#include "http/scan.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The second word of "1.1 name (comment)". */
static struct str received_by(struct str item)
{
	size_t from = 0, n = 0;

	while (from < item.n && !is_blank(item.p[from]))
		from++;
	while (from < item.n && is_blank(item.p[from]))
		from++;
	while (from + n < item.n && !is_blank(item.p[from + n]))
		n++;
	return (struct str){ item.p + from, n };
}

bool via_has(const struct http_head *h, const char *base, struct str name)
{
	for (uint16_t i = 0; i < h->n; i++) {
		if (h->fields[i].id != FIELD_VIA)
			continue;
		struct str item, list = http_field_value(base, &h->fields[i]);
		while (scan_list(&list, &item)) {
			if (str_eq(received_by(item), name))
				return true;
		}
	}
	return false;
}
