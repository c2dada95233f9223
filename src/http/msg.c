#include "http/msg.h"

const struct http_field *http_find(const struct http_head *h, enum field_id id)
{
	if (!http_has(h, id))
		return NULL;
	for (uint16_t i = 0; i < h->n; i++) {
		if (h->fields[i].id == id)
			return &h->fields[i];
	}
	return NULL;
}

const struct http_field *http_find_name(const struct http_head *h, const char *base,
					struct str name)
{
	for (uint16_t i = 0; i < h->n; i++) {
		if (str_eq_nocase(http_field_name(base, &h->fields[i]), name))
			return &h->fields[i];
	}
	return NULL;
}

bool http_is_idempotent(uint8_t method_id)
{
	switch (method_id) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_OPTIONS:
	case METHOD_TRACE:
	case METHOD_PUT:
	case METHOD_DELETE:
		return true;
	default:
		return false;
	}
}
