#include "http/media.h"

struct str media_type(struct str value)
{
	struct str type = value;
	(void)str_split(&value, ';', &type);
	return str_trim(type);
}

static bool begins_so(struct str s, struct str with)
{
	return s.n >= with.n && str_eq_nocase((struct str){ s.p, with.n }, with);
}

static bool ends_so(struct str s, struct str with)
{
	return s.n >= with.n && str_eq_nocase((struct str){ s.p + s.n - with.n, with.n }, with);
}

bool media_matches(struct str type, struct str pattern)
{
	if (pattern.n > 0 && pattern.p[0] == '+')
		return ends_so(type, pattern);
	if (pattern.n > 2 && pattern.p[pattern.n - 1] == '*')
		return begins_so(type, (struct str){ pattern.p, pattern.n - 1 });
	return str_eq_nocase(type, pattern);
}
