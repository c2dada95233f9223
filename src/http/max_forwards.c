#include "http/max_forwards.h"

#include "base/num.h"

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

bool max_forwards(const struct http_head *h, const char *base, uint64_t *left)
{
	if (h->method_id != METHOD_OPTIONS && h->method_id != METHOD_TRACE)
		return false;
	const struct http_field *f = http_find(h, FIELD_MAX_FORWARDS);
	if (f == NULL)
		return false;
	struct str value = http_field_value(base, f);
	if (!num_parse_u64(value, UINT64_MAX, left))
		*left = is_digits(value) ? UINT64_MAX : 0;
	return true;
}
